import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readHistory } from "../../../audit/history.ts";
import { openAuditor } from "../../../audit/stores/auditor.ts";
import { createCampaign, waitUntilScheduled } from "../../../bench/load/campaign.ts";
import { orAborted } from "../../../bench/releases.ts";
import { until } from "../../../local/poll.ts";
import { type ServiceProcess, startService } from "../../../local/service-process.ts";
import { couponVerify } from "../../support/coupon-verify.ts";
import { HANG_MS } from "../../support/patience.ts";
import { type CallPlan, type CallReport, PLAN_SETTING, REPORT } from "./call-plan.ts";
import { DATABASE, type Ground } from "./ground.ts";
import type { Evidence, RoundFacts } from "./judge.ts";
import { recoveryMs, type Sample } from "./recovery.ts";
import type { Round, Stage } from "./round.ts";
import { watchServer } from "./sampler.ts";
import type { Arrangement, ServerHost } from "./server-host.ts";

export type Held = {
  readonly facts: RoundFacts;
  readonly report: CallReport;
  /** Requests a second, of the whole sale. */
  readonly ratePerSecond: number;
};

/** From the creation of the campaign to its start. */
const LEAD_MS = 4_000;
/** Fewer coupons than the callers of the sale want, so that all are given. */
const COUPONS_PER_CALLER = 0.8;
const LOOK_EVERY_MS = 200;

export async function holdRound(
  ground: Ground,
  round: Pick<Round, "arrange" | "saleMs" | "act" | "met" | "failsNone">,
  ratePerSecond: number,
  signal: AbortSignal,
): Promise<Held> {
  await arrange(ground, (await round.arrange?.(ground)) ?? {});
  await ground.balancer.untilAllServe();
  const startsAtMs = Date.now() + LEAD_MS;
  const total = Math.floor((COUPONS_PER_CALLER * ratePerSecond * round.saleMs) / 1_000);
  const { campaigns } = ground.operators;
  const campaignId = await createCampaign(campaigns, { name: "hosts", total, startsAtMs });
  await waitUntilScheduled(campaigns, campaignId, startsAtMs, signal);

  const historyFile = join(ground.dir, `${campaignId}.jsonl`);
  const userPrefix = `hosts~${randomUUID().slice(0, 8)}-`;
  const callers = startCallers(ground, {
    ...{ url: ground.balancer.callersUrl, campaignId, startsAtMs, ratePerSecond, userPrefix, historyFile },
  });
  const watches = new Map(ground.servers.map((server) => [server.host, watchServer(server)]));
  const samplesOf = (host: ServerHost): readonly Sample[] => watches.get(host)?.samples ?? [];
  const evidence: Evidence[] = [];
  const ends: { readonly who: ServerHost; readonly atMs: number }[] = [];
  const issuances = ground.mongo
    .db(DATABASE)
    .collection<{ _id: string; campaignId: string; claimKey: string }>("issuances");
  const stage: Stage = {
    ...{ ground, campaignId },
    untilStart: (offsetMs) => sleep(Math.max(0, startsAtMs + offsetMs - Date.now())),
    faultOver: (who) => void ends.push(...who.map((host) => ({ who: host, atMs: Date.now() }))),
    issuedSoFar: () => issuances.countDocuments({ campaignId }),
    prove: (what, value, least = 1) => void evidence.push({ what, value, least }),
  };
  const recoveries = () => ends.map(({ who, atMs }) => ({ who, ms: recoveryMs(samplesOf(who), atMs) }));
  let report: CallReport;
  try {
    await orAborted(round.act(stage), signal);
    // The callers go on until all is given and every server that had a fault has answered.
    const isDone = async () =>
      !callers.isRunning ||
      (recoveries().every(({ ms }) => ms !== undefined) &&
        (await stateOf(ground, campaignId)) === "SOLD_OUT");
    await orAborted(until(isDone, HANG_MS, LOOK_EVERY_MS), signal);
    await orAborted(callers.stop(HANG_MS), signal);
    const line = await callers.waitForLine((one) => one.startsWith(REPORT), HANG_MS);
    report = JSON.parse(line.slice(REPORT.length)) as CallReport;
  } finally {
    await ground.network.heal();
    for (const { close } of watches.values()) close();
    await callers.kill();
  }

  const isAtRest = await waitForRest(ground, campaignId);
  const verified = await couponVerify(ground.balancer.operatorsUrl, campaignId, "--history", historyFile);
  const history = await readHistory(historyFile);
  const docs = await issuances.find({ campaignId }).toArray();
  const facts: RoundFacts = {
    ...{ startsAtMs, total, history, isAtRest, users: report.users, unanswered: report.unanswered },
    issuances: docs.map(({ _id: code, claimKey }) => ({ code, claimKey })),
    violated: verified.wrong,
    checks: verified.stores.checks.length,
    evidence: [...evidence, ...(round.met?.(history) ?? [])],
    recoveries: recoveries(),
    failsNone: round.failsNone === true,
  };
  const lastMs = history.reduce((last, { invokedAtMs }) => Math.max(last, invokedAtMs), startsAtMs);
  return { facts, report, ratePerSecond: (history.length * 1_000) / Math.max(1, lastMs - startsAtMs) };
}

/** Restarts the processes of the hosts that are to be arranged in another way than they are. */
async function arrange(
  { servers }: Ground,
  wanted: { readonly [host in ServerHost]?: Partial<Arrangement> },
): Promise<void> {
  await Promise.all(
    servers.map(async (server) => {
      const next: Arrangement = { delayMs: 0, env: {}, ...wanted[server.host] };
      if (JSON.stringify(next) !== JSON.stringify(server.arrangement)) await server.arrange(next);
    }),
  );
}

function startCallers({ network }: Ground, plan: CallPlan): ServiceProcess {
  return startService({
    entry: "tests/harness/hosts/callers-process.ts",
    through: network.through("callers"),
    env: { [PLAN_SETTING]: JSON.stringify(plan) },
  });
}

async function stateOf({ mongo }: Ground, campaignId: string): Promise<string | undefined> {
  const campaigns = mongo.db(DATABASE).collection<{ _id: string; state: string }>("campaigns");
  const found = await campaigns.findOne({ _id: campaignId }).catch(() => null);
  return found?.state;
}

async function waitForRest({ redis, mongodb }: Ground, campaignId: string): Promise<boolean> {
  const auditor = await openAuditor({ redisUrl: redis.url, mongodbUrl: mongodb.url, database: DATABASE });
  try {
    return await auditor.waitForRest(campaignId, ["SOLD_OUT"], HANG_MS);
  } finally {
    await auditor.close();
  }
}
