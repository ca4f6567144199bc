import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createHistoryWriter } from "../../../audit/history.ts";
import type { Auditor } from "../../../audit/stores/auditor.ts";
import { violated } from "../../../audit/verdict-table.ts";
import { until } from "../../../local/poll.ts";
import type { OwnStack } from "../../support/own-stack.ts";
import { HANG_MS } from "../../support/patience.ts";
import { type Callers, createCallers } from "./callers.ts";
import { audit, coupon, mustCoupon } from "./command.ts";
import type { Fleet } from "./fleet.ts";
import { judgeSale } from "./judge-sale.ts";
import type { Product } from "./product.ts";

export type RollOut = {
  readonly stack: OwnStack;
  readonly fleet: Fleet;
  readonly auditor: Auditor;
  readonly dir: string;
  /** From this product, which the whole fleet runs, to that one. */
  readonly from: Product;
  readonly to: Product;
  readonly coupons: number;
  readonly seed: number;
};

export type Rolled = { readonly line: string; readonly faults: readonly string[] };

const LEAD_MS = 4_000;
const SHARE_ADDED = 0.1;
/** Of the users at the end, more than there are coupons. */
const TOO_MANY = 60;

/**
 * One sale during which each process is replaced by the other version, in the order of a rolling upgrade; in
 * the middle of it operators change the campaign with both commands, and Redis crashes.
 */
export async function rollOut(plan: RollOut): Promise<Rolled> {
  const { stack, fleet, auditor, from, to, coupons, seed } = plan;
  const faults: string[] = [];
  const startsAtMs = Date.now() + LEAD_MS;
  const campaignId = await create(plan, startsAtMs);
  const added = Math.round(coupons * SHARE_ADDED);
  const prefix = `${from.name}-${seed}-`;
  const callers = createCallers({ fleet, campaignId, prefix, portion: Math.floor(coupons / 10), seed });
  try {
    // Before the start, across it, and until the scheduler of the other version is there.
    await callers.during(async () => {
      await fleet.replace("scheduler", to);
      await sleep(Math.max(0, startsAtMs - Date.now()));
      await mustBecome("the first coupon", () => Object.values(callers.told()).some((count) => count > 0));
    });
    await callers.during(() => fleet.replace("first", to));
    await callers.during(async () => {
      await mustSeeVersions(stack, [from, to]);
      await operate(plan, campaignId, added);
      await stack.redis.kill();
      await stack.redis.start();
      const both = () => callers.told().old > 0 && callers.told().new > 0;
      await mustBecome("a coupon of each version", both);
    });
    const mixed = callers.told();
    await callers.during(() => fleet.replace("second", to, "killed"));
    await callers.rush(Math.max(0, coupons + added - callers.users()) + TOO_MANY);
    const isAtRest = await auditor.waitForRest(campaignId, ["SOLD_OUT"], HANG_MS);
    if (!isAtRest) faults.push("the campaign is not sold out and at rest");
    const issuances = stack.mongo.db(stack.env.MONGODB_DATABASE).collection("issuances");
    const sale = {
      coupons: coupons + added,
      startsAtMs,
      recorded: await issuances.countDocuments({ campaignId }),
      unanswered: callers.unanswered(),
    };
    faults.push(...judgeSale(sale, callers.history), ...(await examine(plan, campaignId, callers)));
    const verb = from.name === "old" ? "upgrade" : "rollback";
    const line = [
      `${verb} ${from.version} → ${to.version}: ${sale.recorded}/${sale.coupons} coupons, ${callers.users()} users,`,
      `${callers.history.length} requests; while mixed ${mixed.old} told by old and ${mixed.new} by new`,
    ].join(" ");
    return { line, faults };
  } finally {
    callers.close();
  }
}

async function create({ fleet, from, coupons }: RollOut, startsAtMs: number): Promise<string> {
  const start = new Date(startsAtMs).toISOString();
  const flags = [
    "--name",
    `from ${from.version}`,
    "--total",
    String(coupons),
    "--start",
    start,
    "--one-per-user",
  ];
  const told = await mustCoupon(from, fleet.urls.first, ["create", ...flags, "--json"]);
  const { id } = JSON.parse(told).campaign as { id: string };
  return id;
}

/** Each change by the command of one version, at a server of the other one. */
async function operate({ fleet, from, to }: RollOut, campaignId: string, added: number): Promise<void> {
  const { first, second } = fleet.urls;
  await mustCoupon(from, first, ["pause", campaignId, "--json"]);
  await mustCoupon(to, second, ["resume", campaignId, "--json"]);
  await mustCoupon(from, first, ["add", campaignId, "--count", String(added), "--yes", "--json"]);
}

/** What both audits and both commands find, from both stores and the users' records. */
async function examine(
  { stack, fleet, auditor, dir, from, to }: RollOut,
  campaignId: string,
  { history }: Callers,
): Promise<string[]> {
  const file = join(dir, `${campaignId}.jsonl`);
  const writer = createHistoryWriter(file);
  for (const entry of history) writer.write(entry);
  await writer.close();
  const { verdicts } = await auditor.audit(campaignId, { history });
  const faults = violated(verdicts).map((invariant) => `${invariant} is violated`);
  for (const { invariant, prevented, notJudged } of verdicts)
    if (prevented === true) faults.push(`${invariant} could not be judged: ${notJudged}`);
  for (const product of [from, to]) {
    const recorded = ["--history", file];
    const ended = {
      audit: await audit(product, stack.env, ["--campaign", campaignId, ...recorded]),
      "coupon verify": await coupon(product, fleet.urls.first, ["verify", campaignId, ...recorded]),
    };
    for (const [what, { code, stdout, stderr }] of Object.entries(ended))
      if (code !== 0) faults.push(`${what} of ${product.version} ended with ${code}: ${stderr || stdout}`);
  }
  return faults;
}

/** Operators must see which version runs where, from the heartbeats. */
async function mustSeeVersions({ mongo, env }: OwnStack, products: readonly Product[]): Promise<void> {
  const processes = mongo.db(env.MONGODB_DATABASE).collection("processes");
  await mustBecome("a heartbeat of each version", async () => {
    const seen: string[] = await processes.distinct("version");
    return products.every(({ version }) => seen.some((one) => one.replace(/\+.*$/, "") === version));
  });
}

async function mustBecome(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  if (!(await until(holds, HANG_MS, 25))) throw new Error(`${what} did not come within ${HANG_MS / 1_000} s`);
}
