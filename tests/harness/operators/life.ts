import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { createHistoryWriter } from "../../../audit/history.ts";
import type { Auditor } from "../../../audit/stores/auditor.ts";
import { seededRandom } from "../../../callers/random.ts";
import { CampaignView } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { createCampaign } from "../../support/campaign.ts";
import type { Clients } from "../../support/clients.ts";
import { couponVerify, type Verified } from "../../support/coupon-verify.ts";
import { type Call, describeCall, stateOf } from "./call.ts";
import { type Callers, startCallers } from "./callers.ts";
import { judgeAnswers } from "./judge-answers.ts";
import { countAskedMeanwhile, judgeEffects } from "./judge-effects.ts";
import { judgeHistory } from "./judge-history.ts";
import { createOperators, type Operators } from "./operators.ts";
import { readChanges } from "./read-changes.ts";

/** The servers of the product, on real stores, that the campaigns run on. */
export type LifeGround = {
  readonly urls: readonly string[];
  readonly clients: readonly Clients[];
  readonly auditor: Auditor;
  /** The folder for the callers' records. */
  readonly dir: string;
};

export type LifeOptions = {
  readonly seed: number;
  /** The number of operators' calls, without those that bring the campaign to an end. */
  readonly calls: number;
  readonly trace?: (line: string) => void;
};

/** The result of one campaign's life. */
export type Life = {
  readonly seed: number;
  readonly campaignId: string;
  /** Empty: no fault was found. */
  readonly faults: readonly string[];
  readonly calls: readonly Call[];
  readonly state: string;
  readonly changes: number;
  readonly asked: number;
  readonly issued: number;
  /** The requests during standstills. */
  readonly askedMeanwhile: number;
  /** How often coupons were added to a campaign that had none left. */
  readonly reopened: number;
};

const CLOSING_MS = 20_000;
const REST_MS = 15_000;
const LOOK_MS = 40;
const OVER: ReadonlySet<string> = new Set(["SOLD_OUT", "ENDED", "CANCELLED"]);

/**
 * Runs one campaign from its creation to its end, changed by several operators while many callers ask for
 * coupons; then judges all of it.
 */
export async function liveThrough(ground: LifeGround, options: LifeOptions): Promise<Life> {
  const { clients, auditor, urls } = ground;
  const { seed, calls, trace } = options;
  const random = seededRandom(seed);
  const [first] = clients;
  if (first === undefined) throw new Error("there is no server");
  const { id: campaignId } = await createCampaign(first, {
    ...{ name: "operators", total: Math.ceil(3 + 200 * random() ** 4) },
    startsAtMs: Date.now() + Math.round(random() * 1_200 - 200),
  });
  const callers = startCallers({ urls, campaignId, random });
  const onCall = (call: Call) => trace?.(describeCall(call));
  const operators = createOperators({ clients, campaignId, seed, onCall });
  const faults: string[] = [];
  try {
    await operators.work(calls);
    callers.hurry();
    const ending = random();
    const closed = await close({ ground, campaignId, operators, ending, until: Date.now() + CLOSING_MS });
    if (!closed) faults.push(`it did not come to an end within ${CLOSING_MS} ms`);
    await callers.stop();
    if (!(await auditor.waitForRest(campaignId, [...OVER], REST_MS)))
      faults.push(`it was not at rest ${REST_MS} ms after its end`);
    return await judge(ground, { seed, campaignId, callers, operators, faults });
  } finally {
    callers.close();
  }
}

type Closing = {
  readonly ground: LifeGround;
  readonly campaignId: string;
  readonly operators: Operators;
  /** From 0 to 1; decides whether the campaign is sold out, ended or cancelled. */
  readonly ending: number;
  readonly until: number;
};

/** Brings the campaign to an end. False: not in time. */
async function close({ ground, campaignId, operators, ending, until }: Closing): Promise<boolean> {
  while (Date.now() < until) {
    const { state, startsAtMs, adding } = await campaignOf(ground, campaignId);
    if (OVER.has(state) && (state !== "SOLD_OUT" || adding === 0)) return true;
    if (ending > 0.8 && ending < 0.9) await operators.call({ verb: "cancel" });
    else if (state === "PAUSED") await operators.call({ verb: "resume" });
    else if (state === "SCHEDULED" && startsAtMs > Date.now() + 500)
      await operators.call({ verb: "reschedule", startsAtMs: Date.now(), endsAtMs: null });
    else if (ending >= 0.9 && state === "OPEN") await operators.call({ verb: "end" });
    await sleep(LOOK_MS);
  }
  return false;
}

async function campaignOf({ clients }: LifeGround, campaignId: string) {
  const { campaign } = await (clients[0] as Clients).campaigns.getCampaign({
    campaignId,
    view: CampaignView.BASIC,
  });
  if (campaign === undefined) throw new Error("GetCampaign answered without a campaign");
  const { startsAt, openedAt, adding, total } = campaign;
  return {
    ...{ state: stateOf(campaign.state), adding, total },
    startsAtMs: startsAt === undefined ? 0 : timestampDate(startsAt).getTime(),
    openedAtMs: openedAt === undefined ? undefined : timestampDate(openedAt).getTime(),
  };
}

type Lived = {
  readonly seed: number;
  readonly campaignId: string;
  readonly callers: Callers;
  readonly operators: Operators;
  readonly faults: readonly string[];
};

async function judge(ground: LifeGround, lived: Lived): Promise<Life> {
  const { seed, campaignId, callers, operators } = lived;
  const { calls } = operators;
  const { history: asked } = callers;
  const file = join(ground.dir, `${campaignId}.jsonl`);
  const writer = createHistoryWriter(file);
  for (const entry of asked) writer.write(entry);
  await writer.close();
  const server = ground.urls[seed % ground.urls.length] as string;
  const unjudged = ({ stores }: Verified) =>
    stores.checks.some(({ verdict }) => verdict === "CHECK_VERDICT_NOT_JUDGED");
  let verified = await couponVerify(server, campaignId, "--history", file);
  // The campaign ended while its stores were read.
  if (unjudged(verified)) verified = await couponVerify(server, campaignId, "--history", file);
  await rm(file);
  // A campaign that was cancelled before it had a pool has no pool to judge.
  const unmade = verified.stores.issued === 0;
  const wrong = [...verified.stores.checks, ...(verified.history?.checks ?? [])]
    .filter(
      ({ verdict }) => verdict === "CHECK_VERDICT_VIOLATED" || (verdict !== "CHECK_VERDICT_HOLDS" && !unmade),
    )
    .map(({ invariant, detail, notJudgedBecause, offenders }) => {
      const words = offenders.map(({ words: said }) => said).join("; ");
      return `coupon verify: ${invariant} ${words}${notJudgedBecause} (${detail})`;
    });
  const { state, openedAtMs } = await campaignOf(ground, campaignId);
  const changes = await readChanges((ground.clients.at(-1) as Clients).campaigns, campaignId);
  const { issuances } = await ground.auditor.takeSnapshot(campaignId);
  const facts = { calls, changes, asked, issuances };
  const issuedBy = (ms: number) => issuances.filter(({ issuedAtMs }) => issuedAtMs <= ms).length;
  const reopened = changes.filter(
    ({ verb, before, atMs }) => verb === "added" && before !== undefined && issuedBy(atMs) >= before.total,
  );
  return {
    ...{ seed, campaignId, calls, state, changes: changes.length, asked: asked.length },
    ...{ issued: issuances.length, reopened: reopened.length, askedMeanwhile: countAskedMeanwhile(facts) },
    faults: [
      ...lived.faults,
      ...wrong,
      ...judgeHistory(changes, openedAtMs),
      ...judgeAnswers(calls, changes, openedAtMs),
      ...judgeEffects(facts),
    ],
  };
}

/** One line, for people. */
export function describeLife(life: Life): string {
  const { seed, state, calls, changes, asked, issued, askedMeanwhile, reopened, faults } = life;
  const count = (kind: string) => calls.filter(({ answer }) => answer.kind === kind).length;
  const answers = `${count("changed")} changed, ${count("already")} already, ${count("refused")} refused`;
  const load = `${asked} asks (${askedMeanwhile} of them at standstill), ${issued} issued, reopened ${reopened} times`;
  const verdict = faults.length === 0 ? "clean" : `${faults.length} FAULTS`;
  return `seed ${seed}: ${calls.length} calls, ${answers}; ${changes} in the history; ${load}; ${state}; ${verdict}`;
}
