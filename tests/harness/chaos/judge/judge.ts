import { Code, ConnectError } from "@connectrpc/connect";
import { runRunChecks, type Stall } from "../../../../audit/check-run.ts";
import { runChecks } from "../../../../audit/checks.ts";
import type { Snapshot } from "../../../../audit/snapshot.ts";
import { openAuditor } from "../../../../audit/stores/auditor.ts";
import type { Verdict } from "../../../../audit/verdict.ts";
import { createCampaign } from "../../../../bench/load/campaign.ts";
import { connectClients } from "../../../../bench/load/connect-client.ts";
import { until } from "../../../../local/poll.ts";
import { type Ground, OPERATOR_TOKEN } from "../ground/ground.ts";
import { type Round, tolerancesOf } from "../round.ts";
import { type SaleRun, USER_PREFIX } from "../sale.ts";
import { judgeTold } from "./event-witness.ts";

export type Judgement = {
  readonly verdicts: readonly Verdict[];
  /** Faults besides the invariants: the stores were not at rest, or the round proves no hazard. */
  readonly troubles: readonly string[];
  /** Hazards that did not happen: without them the round proves nothing. */
  readonly missed: readonly string[];
  /** The violated invariants, each once. */
  readonly violated: readonly string[];
};

const REST_DEADLINE_MS = 60_000;
const TOLD_DEADLINE_MS = 30_000;
const HANGUL_WORD = /[가-힣0-9]*[가-힣][가-힣0-9]*/g;

/** Waits until the stores are at rest, lets some callers ask again, and audits histories and stores. */
export async function judge(
  round: Round,
  ground: Ground,
  run: SaleRun,
  stalls: readonly Stall[] = [],
): Promise<Judgement> {
  const { sale } = run;
  const { redisUrl, mongodb, database } = ground;
  const auditor = await openAuditor({ redisUrl, mongodbUrl: mongodb.url, database });
  try {
    const states = round.restStates ?? ["SOLD_OUT"];
    const atRest = await auditor.waitForRest(sale.campaignId, states, REST_DEADLINE_MS);
    await sale.askAgain();
    await round.after?.(sale);
    const withoutCredentials = await callWithoutCredentials(ground);
    const issued = () => ground.db.collection("issuances").countDocuments({ campaignId: sale.campaignId });
    // After a rebuild the frontier waits until inserts from before it have ended.
    await until(async () => run.told().issued.length >= (await issued()), TOLD_DEADLINE_MS, 100);
    const seen = await run.close();
    const snapshot = await auditor.takeSnapshot(sale.campaignId);
    const mayBeLate = isLoadedAgain(snapshot);
    for (const words of judgeTold(run.told(), snapshot.issuances, mayBeLate)) sale.found("U14", words);
    const tolerances = tolerancesOf(round);
    const erasureKey = round.ground?.env?.["ERASURE_KEY"];
    const booksWithin = (clockMs: number) =>
      runChecks(snapshot, sale.history, { ...tolerances, clockMs }, sale.redeemed, erasureKey);
    // A false clock of Redis also falsifies the instants that the sold-out answers are compared with.
    const { instantsOffMs } = round;
    const soldOut =
      instantsOffMs === undefined
        ? []
        : booksWithin(instantsOffMs).filter(({ invariant }) => invariant === "U7");
    const books = booksWithin(tolerances.clockMs).map(
      (verdict) => soldOut.find(({ invariant }) => invariant === verdict.invariant) ?? verdict,
    );
    const { startsAtMs, history, presses } = sale;
    const leaks = leaksIn(ground.logLines, new Set(snapshot.codes));
    const logLines = ground.logLines.length;
    const verdicts = [
      ...books,
      ...runRunChecks({
        ...{ ...seen, startsAtMs, history, presses, stalls },
        ...{ withoutCredentials, logLines, leaks },
      }),
    ];
    const troubles: string[] = [];
    if (!atRest) {
      const { ledger } = snapshot.redis.lengths;
      troubles.push(`not at rest in time: state ${snapshot.campaign.state}, ledger ${ledger}`);
    }
    const missed = sale.evidence.filter(({ ok }) => !ok).map(({ what, value }) => `${what}=${value}`);
    if (sale.evidence.length === 0) troubles.push("the round proves no hazard");
    for (const { invariant, words } of sale.findings) troubles.push(`${invariant}: ${words}`);
    const broken = verdicts.filter(({ ok }) => !ok).map(({ invariant }) => invariant as string);
    const violated = [...new Set([...broken, ...sale.findings.map(({ invariant }) => invariant)])];
    return { verdicts, troubles, missed, violated };
  } finally {
    await auditor.close();
  }
}

/** Whether the pool was loaded after its first coupon: inserts from before that may have been under way. */
function isLoadedAgain({ issuances, redis: { meta } }: Snapshot): boolean {
  const first = Math.min(...issuances.map(({ generation }) => generation));
  return meta === undefined || (meta.base ?? meta.generation) > first;
}

/** U13: creates a campaign without credentials, and with wrong ones. */
async function callWithoutCredentials(ground: Ground): Promise<{ tried: number; letIn: number }> {
  const server = ground.servers.find(({ takesClaims, isRunning }) => takesClaims && isRunning);
  if (server === undefined) return { tried: 0, letIn: 0 };
  const before = await ground.db.collection("campaigns").countDocuments({});
  let [tried, letIn] = [0, 0];
  for (const token of [undefined, `${OPERATOR_TOKEN}x`]) {
    const clients = connectClients(server.url, token);
    tried += 1;
    try {
      await createCampaign(clients.campaigns, {
        name: "intruder",
        total: 1,
        startsAtMs: Date.now() + 60_000,
      });
      letIn += 1;
    } catch (error) {
      if (ConnectError.from(error).code !== Code.Unauthenticated) letIn += 1;
    } finally {
      clients.close();
    }
  }
  const after = await ground.db.collection("campaigns").countDocuments({});
  return { tried, letIn: Math.max(letIn, after - before) };
}

function leaksIn(lines: readonly string[], codes: ReadonlySet<string>): string[] {
  const leaks: string[] = [];
  for (const line of lines) {
    const where = line.slice(0, 1);
    if ((line.match(HANGUL_WORD) ?? []).some((word) => codes.has(word)))
      leaks.push(`a log line of server ${where} holds a code`);
    if (line.includes(OPERATOR_TOKEN)) leaks.push(`a log line of server ${where} holds the operators' token`);
    if (line.includes(USER_PREFIX)) leaks.push(`a log line of server ${where} holds a user id`);
  }
  return leaks;
}
