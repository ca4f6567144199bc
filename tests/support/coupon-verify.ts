import { Writable } from "node:stream";
import { run } from "../../cli/run.ts";
import { OPERATOR_TOKEN } from "./operator-token.ts";

export type Told = { invariant: string; title: string; verdict: string; detail: string; compared: number } & {
  notJudgedBecause: string;
  violations: number;
  offenders: { words: string; ordinal?: number; generation?: number; seq?: number }[];
};

export type Verified = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly stores: { live: boolean; readings: number; issued: number; checks: Told[] };
  readonly history: { entries: number; exported: number; checks: Told[] } | undefined;
  /** Violated invariants, each once, those of the stores before those of the callers' history. */
  readonly wrong: readonly string[];
};

/** Runs `coupon` in this process. */
export async function coupon(url: string, ...args: string[]) {
  const texts = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr") =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += String(chunk);
        done();
      },
    });
  const code = await run({
    ...{ args, env: { COUPON_URL: url, COUPON_TOKEN: OPERATOR_TOKEN, XDG_CONFIG_HOME: "/nowhere" } },
    ...{ stdin: process.stdin, stdout: into("stdout"), stderr: into("stderr") },
    signal: new AbortController().signal,
  });
  return { code, ...texts };
}

/** Runs `coupon verify` and returns its report as data. */
export async function couponVerify(url: string, campaignId: string, ...args: string[]): Promise<Verified> {
  const done = await coupon(url, "verify", campaignId, "--json", ...args);
  if (done.stdout === "") throw new Error(`coupon verify said nothing: ${done.stderr}`);
  const { stores, history } = JSON.parse(done.stdout) as Pick<Verified, "stores" | "history">;
  const wrong = [...stores.checks, ...(history?.checks ?? [])]
    .filter(({ verdict }) => verdict === "CHECK_VERDICT_VIOLATED")
    .map(({ invariant }) => invariant);
  return { ...done, stores, history, wrong: [...new Set(wrong)] };
}
