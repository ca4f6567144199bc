import { timestampMs } from "@bufbuild/protobuf/wkt";
import { runOutsideChecks } from "../audit/checks.ts";
import { ONE_MACHINE, type Tolerances } from "../audit/facts.ts";
import type { HistoryEntry } from "../audit/history.ts";
import type { Issuance, Snapshot } from "../audit/snapshot.ts";
import { openAuditor } from "../audit/stores/auditor.ts";
import type { Verdict } from "../audit/verdict.ts";
import type { Clients } from "../bench/load/connect-client.ts";
import { Trouble } from "../bench/trouble.ts";
import { CampaignState } from "../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { StoreUrls } from "./stores.ts";

export type Books = {
  readonly issued: number;
  readonly verdicts: readonly Verdict[];
  /** The scope of the audit, in words: both stores, or the API alone. */
  readonly scope: string;
};

export type BooksPlan = {
  readonly stores: StoreUrls | undefined;
  /** Whether the load itself started the stores. */
  readonly own: boolean;
  readonly database: string;
  readonly remote: boolean;
};

const REST_DEADLINE_MS = 30_000;
const EXPORT_BATCH = 10_000;

/**
 * The full audit where the stores are known and hold this campaign; else the checks that need only the API.
 * Where the load itself started the stores, a failure of the full audit is thrown: those stores must be read.
 */
export async function auditBooks(
  campaigns: Clients["campaigns"],
  campaignId: string,
  history: readonly HistoryEntry[],
  { stores, own, database, remote }: BooksPlan,
): Promise<Books> {
  const tolerances: Tolerances = remote ? { clockMs: 1_000, lateRefusalMs: 1_000 } : ONE_MACHINE;
  const why = stores === undefined ? "neither REDIS_URL and MONGODB_URL nor a local stack" : undefined;
  const inside =
    stores === undefined
      ? why
      : await auditInside(stores, database, campaignId, history, tolerances).catch((error: unknown) => {
          if (own) throw error;
          return error instanceof Error ? error.message : String(error);
        });
  if (typeof inside === "object") return inside;
  const snapshot = await exportBooks(campaigns, campaignId);
  return {
    issued: snapshot.issuances.length,
    verdicts: runOutsideChecks(snapshot, history, tolerances),
    scope: `the API alone (ExportCoupons), because ${inside}: what only the stores can show (U5, and U3's codes) was not looked at`,
  };
}

async function auditInside(
  stores: StoreUrls,
  database: string,
  campaignId: string,
  history: readonly HistoryEntry[],
  tolerances: Tolerances,
): Promise<Books> {
  const auditor = await openAuditor({ ...stores, database });
  try {
    await auditor.waitForRest(campaignId, [], REST_DEADLINE_MS);
    const { issued, verdicts } = await auditor.audit(campaignId, { history, tolerances });
    return {
      issued,
      verdicts,
      scope: `both stores (${stores.from})`,
    };
  } finally {
    await auditor.close();
  }
}

/** The issuances that the API returns; it does not return the codes without an owner, or the pool. */
async function exportBooks(campaigns: Clients["campaigns"], campaignId: string): Promise<Snapshot> {
  const issuances = await exportIssuances(campaigns, campaignId);
  const { campaign } = await campaigns.getCampaign({ campaignId, view: CampaignView.BASIC });
  if (campaign?.startsAt === undefined) throw new Error("GetCampaign answered without a campaign");
  if (campaign.issued !== issuances.length)
    throw new Trouble(
      `GetCampaign counts ${campaign.issued} coupons, ExportCoupons gives ${issuances.length}`,
    );
  const lengths = { staged: 0, open: 0, away: 0, claims: 0, ledger: 0 };
  return {
    campaign: {
      id: campaignId,
      total: campaign.total,
      startsAtMs: timestampMs(campaign.startsAt),
      endsAtMs: campaign.endsAt === undefined ? undefined : timestampMs(campaign.endsAt),
      openedAtMs: campaign.openedAt === undefined ? undefined : timestampMs(campaign.openedAt),
      onePerUser: campaign.onePerUser,
      state: campaign.state === CampaignState.CANCELLED ? "CANCELLED" : "OPEN",
      generation: campaign.generation,
    },
    codes: [],
    issuances,
    redis: { meta: undefined, staged: [], open: [], away: [], claims: [], seq: 0, ledgerIds: [], lengths },
  };
}

async function exportIssuances(campaigns: Clients["campaigns"], campaignId: string): Promise<Issuance[]> {
  const issuances: Issuance[] = [];
  for await (const { coupons } of campaigns.exportCoupons({ campaignId, batchSize: EXPORT_BATCH })) {
    for (const { coupon, userId, requestId, generation } of coupons) {
      if (coupon?.issuedAt === undefined) throw new Error("ExportCoupons answered without a whole coupon");
      const { code, seq } = coupon;
      // One of the two is empty: the claim key is the user id or the request id.
      const claimKey = requestId === "" ? userId : requestId;
      issuances.push({ code, claimKey, generation, seq, issuedAtMs: timestampMs(coupon.issuedAt) });
    }
  }
  return issuances;
}
