import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeHistory } from "./crowd.ts";
import { EXIT, type Launch } from "./launch.ts";
import { ADDED } from "./sale.ts";
import { jsonLinesOf, jsonOf, must, mustExit } from "./stage.ts";

type Verified = {
  readonly stores: { readonly checks: readonly { readonly verdict: string; readonly title: string }[] };
};
type Exported = { readonly code: string; readonly userId: string };
type Changed = { readonly verb: string; readonly actor: string; readonly revision: number };

/** The operators' verbs in the history, oldest first; the service's own verbs stand between them. */
const OPERATORS_VERBS = ["create", "reschedule", "pause", "resume", "add", "edit", "end"];
const SERVICES_VERBS = ["schedule", "open", "sell-out", "added", "sell-out"];

/** The last steps: after the sale and the end of the crowd, they check its results. */
export async function afterwards(launch: Launch): Promise<void> {
  const { stage, coupon, crowd, campaignId, ground } = launch;
  const total = launch.total + ADDED;
  const file = (name: string) => join(ground.dataDir, name);
  const historyFile = file("crowd.jsonl");

  await stage.step("verify --history", async () => {
    await writeHistory(historyFile, crowd.history);
    const told = mustExit(await coupon(["verify", campaignId, "--history", historyFile]), EXIT.ok);
    const { stores } = jsonOf<Verified>(told);
    const open = stores.checks.filter(({ verdict }) => verdict !== "CHECK_VERDICT_HOLDS");
    must(open.length === 0, `not held: ${open.map(({ title }) => title).join("; ")}`);
    const requests = crowd.history.length.toLocaleString("en");
    return `${stores.checks.length} checks of the stores, and the crowd's own record of ${requests} answers`;
  });

  await stage.step("stats", async () => {
    const svg = file("sale.svg");
    const told = mustExit(
      await coupon(["stats", campaignId, "--history", historyFile, "--svg", svg]),
      EXIT.ok,
    );
    const { issuedEarly = 0 } = jsonOf<{ issuedEarly?: number }>(told);
    must(issuedEarly === 0, `${issuedEarly} were issued early`);
    must(readFileSync(svg, "utf8").startsWith("<svg"), "there is no chart");
    return "none early; a chart";
  });

  await stage.step("export", async () => {
    const [csv, jsonl] = [file("winners.csv"), file("winners.jsonl")];
    mustExit(await coupon(["export", campaignId, "--format", "csv", "--out", csv]), EXIT.ok);
    mustExit(await coupon(["export", campaignId, "--format", "jsonl", "--out", jsonl]), EXIT.ok);
    const rows = readFileSync(csv, "utf8").trimEnd().split("\n").length - 1;
    must(rows === total, `${rows} rows in the CSV file instead of ${total}`);
    const lines = readFileSync(jsonl, "utf8").trimEnd().split("\n");
    const holders = new Map(
      lines.map((line) => {
        const { code, userId } = JSON.parse(line) as Exported;
        return [code, userId];
      }),
    );
    must(holders.size === total, `${holders.size} different codes instead of ${total}`);
    for (const { claimKey, outcome } of crowd.history) {
      if (outcome.kind !== "issued") continue;
      const holder = holders.get(outcome.code);
      must(holder === claimKey, `a coupon of ${claimKey} is exported as that of ${holder}`);
    }
    return `${total.toLocaleString("en")} rows, each coupon with the one who was given it`;
  });

  await stage.step("history", async () => {
    const entries = jsonLinesOf<Changed>(mustExit(await coupon(["history", campaignId]), EXIT.ok));
    const oldestFirst = entries.toReversed();
    const by = (mine: boolean) =>
      oldestFirst.filter(({ actor }) => (actor === "operator (scenario)") === mine).map(({ verb }) => verb);
    const told = (verbs: readonly string[]) => verbs.join(", ");
    must(told(by(true)) === told(OPERATORS_VERBS), `operators did: ${told(by(true))}`);
    must(told(by(false)) === told(SERVICES_VERBS), `the service did: ${told(by(false))}`);
    const gapless = oldestFirst.every(({ revision }, index) => revision === index);
    must(gapless, `revisions: ${oldestFirst.map(({ revision }) => revision).join(", ")}`);
    return `${entries.length} entries: ${told(oldestFirst.map(({ verb }) => verb))}`;
  });

  await stage.step("formats, config, completion", async () => {
    const total = ["--total", String(launch.total)];
    mustExit(await coupon(["formats", ...total]), EXIT.ok);
    mustExit(await coupon(["config"]), EXIT.ok);
    const script = mustExit(await coupon(["completion", "bash"], { asText: true }), EXIT.ok);
    must(script.stdout.includes("complete"), "no completion for bash");
    return "answer";
  });

  await stage.step("keys, token", async () => {
    const key = mustExit(await coupon(["keys", "create", "--name", "kim", "--role", "viewer"]), EXIT.ok);
    must(/"kim:viewer:[0-9a-f]{64}"/.test(key.stdout), "no line for OPERATOR_KEYS");
    const env = { CLAIM_TOKEN_SECRET: randomBytes(32).toString("hex"), CLAIM_TOKEN_AUDIENCE: "coupons" };
    const token = mustExit(await coupon(["token", "issue", "--user", "alice"], { env }), EXIT.ok);
    must(/[\w-]+\.[\w-]+\.[\w-]+/.test(token.stdout), "no token");
    return "are made";
  });
}
