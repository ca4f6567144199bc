import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { createHistoryWriter, type HistoryEntry } from "../../../audit/history.ts";
import { type ServiceProcess, startService } from "../../../local/service-process.ts";
import { enumName } from "../../../proto/enum-name.ts";
import { CampaignState, CampaignStateSchema } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { IssuanceDoc } from "../../../record/documents.ts";
import { createCampaign, untilState } from "../../support/campaign.ts";
import { AUDIENCE, claimsOf, secretMaker } from "../../support/claim-credentials.ts";
import { couponVerify } from "../../support/coupon-verify.ts";
import { HANG_MS } from "../../support/patience.ts";
import { ATTACKING, type CrowdPlan, type CrowdReport, PLAN_SETTING, REPORT } from "./crowd-plan.ts";
import { processesOf, type SiegeGround, salePrefix } from "./ground.ts";
import { type HonestUser, shop } from "./honest-users.ts";
import type { SaleFacts } from "./judge.ts";
import { type ProcessorShares, watchProcessors } from "./processors.ts";

export type CrowdStrength = Pick<CrowdPlan, "ratePerSecond" | "isMeasured" | "only"> & {
  readonly addresses: number;
};

export type SalePlan = {
  readonly honest: number;
  readonly windowMs: number;
  readonly crowd: CrowdStrength | undefined;
};

const ACCOMPLICES = 20;
const AN_HOUR_MS = 3_600_000;
/** From the moment at which the crowd attacks to the start. */
const LEAD_MS = 1_200;
/** How long the crowd goes on after the last honest user has pressed. */
const ATTACK_AFTER_MS = 3_000;
const AGAIN_MS = 100;
const PASSING: ReadonlySet<Code> = new Set([Code.Unavailable, Code.ResourceExhausted, Code.Aborted]);

/** One sale to its end, verified: with a coupon for each user that is entitled to one. */
export async function holdSale(
  ground: SiegeGround,
  plan: SalePlan,
): Promise<Omit<SaleFacts, "form" | "isWarmUp">> {
  const { clients, url, db, secret } = ground;
  const prefix = salePrefix();
  const shopKey = secretMaker(secret);
  const users = Array.from({ length: plan.honest }, (_, i): HonestUser => {
    const userId = `${prefix}~honest-${i}`;
    return { userId, token: shopKey.sign(claimsOf(userId)), address: `127.1.${i >> 8}.${i & 255 || 1}` };
  });
  const accomplices =
    plan.crowd === undefined
      ? []
      : Array.from({ length: ACCOMPLICES }, (_, i) => `${prefix}~accomplice-${i}`);
  const wanted = { name: "siege", startsAtMs: Date.now() + AN_HOUR_MS };
  const total = users.length + accomplices.length;
  const { id: campaignId } = await createCampaign(clients, { ...wanted, total });
  await untilState(clients, campaignId, "SCHEDULED");

  const crowd = plan.crowd && (await startCrowd(ground, { ...plan.crowd, campaignId, users, accomplices }));
  let report: Promise<CrowdReport> | undefined;
  let shopped: Awaited<ReturnType<typeof shop>>;
  let startsAtMs = 0;
  let shares: ProcessorShares | undefined;
  try {
    await patiently(async () => {
      startsAtMs = Date.now() + LEAD_MS;
      await clients.campaigns.rescheduleCampaign({ campaignId, startsAt: timestampFromMs(startsAtMs) });
    });
    const processors = watchProcessors({ service: processesOf(ground), crowd: crowd?.pid });
    const shopping = shop({ url, campaignId, users, startsAtMs, windowMs: plan.windowMs });
    // Whoever the crowd keeps out on a busy machine is served when it is over: late, and not for less.
    const isOver = sleep(startsAtMs + plan.windowMs + ATTACK_AFTER_MS - Date.now());
    const pressed = Promise.race([isOver, shopping]).then(() => {
      shares = processors();
    });
    report = crowd && pressed.then(() => reportOf(crowd));
    shopped = await shopping;
    await pressed;
  } finally {
    await (report ?? crowd?.stop());
  }
  await ground.service.waitForHttp("/readyz", HANG_MS);

  const docs = await db.collection<IssuanceDoc>("issuances").find({ campaignId }).toArray();
  const { campaign } = await patiently(() =>
    clients.campaigns.getCampaign({ campaignId, view: CampaignView.BASIC }),
  );
  const isUntouched = campaign?.state === CampaignState.OPEN || campaign?.state === CampaignState.SOLD_OUT;
  return {
    ...{ startsAtMs, accomplices, ...shopped, crowd: await report, shares },
    issuances: docs.map(({ _id: code, claimKey: userId, issuedAt }) => ({
      ...{ code, userId, issuedAtMs: issuedAt.getTime() },
    })),
    changed: [
      ...(isUntouched ? [] : [`its state is ${campaign && enumName(CampaignStateSchema, campaign.state)}`]),
      ...(campaign?.total === total ? [] : [`its total is ${campaign?.total}, not ${total}`]),
    ],
    violated: await violatedIn(ground, campaignId, shopped.history),
  };
}

/** An operator whose call finds no room makes it again, as `coupon` does. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  const givesUpAtMs = performance.now() + HANG_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const isPassing = error instanceof ConnectError && PASSING.has(error.code);
      if (!isPassing || performance.now() > givesUpAtMs) throw error;
      await sleep(AGAIN_MS);
    }
  }
}

type CrowdOptions = CrowdStrength & {
  readonly campaignId: string;
  readonly users: readonly HonestUser[];
  readonly accomplices: readonly string[];
};

async function startCrowd(ground: SiegeGround, options: CrowdOptions): Promise<ServiceProcess> {
  const { url, grpcPort, secret, publicKey, keyId } = ground;
  const { campaignId, users, accomplices, ratePerSecond, isMeasured, only, addresses } = options;
  const plan: CrowdPlan = {
    ...{
      url,
      grpcPort,
      campaignId,
      accomplices,
      only,
      ratePerSecond,
      isMeasured,
      secret,
      publicKey,
      keyId,
      audience: AUDIENCE,
    },
    otherCampaignId: `${campaignId.slice(0, -1)}${campaignId.endsWith("0") ? "1" : "0"}`,
    victims: users.slice(0, 200).map(({ userId }) => userId),
    addresses: Array.from({ length: addresses }, (_, i) => `127.2.0.${i + 1}`),
  };
  const crowd = startService({
    entry: "tests/harness/siege/crowd-process.ts",
    env: { [PLAN_SETTING]: JSON.stringify(plan) },
  });
  await crowd.waitForLine((line) => line === ATTACKING, HANG_MS);
  return crowd;
}

async function reportOf(crowd: ServiceProcess): Promise<CrowdReport> {
  await crowd.stop(2 * HANG_MS);
  const line = await crowd.waitForLine((one) => one.startsWith(REPORT), HANG_MS);
  return JSON.parse(line.slice(REPORT.length)) as CrowdReport;
}

async function violatedIn(
  { url, operatorKey, dir }: SiegeGround,
  campaignId: string,
  history: readonly HistoryEntry[],
): Promise<readonly string[]> {
  const file = join(dir, `${campaignId}.jsonl`);
  const writer = createHistoryWriter(file);
  for (const entry of history) writer.write(entry);
  await writer.close();
  const verified = await couponVerify(url, campaignId, "--history", file, "--token", operatorKey);
  await rm(file);
  const { checks } = verified.stores;
  return checks.length === 0 ? ["nothing (no check was made)"] : verified.wrong;
}
