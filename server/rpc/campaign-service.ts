import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { DeploymentClaimAuth } from "../../access/campaign-claim-auth.ts";
import type { ChangeCampaign } from "../../campaign/change-campaign.ts";
import type { Pseudonyms } from "../../campaign/erasure/pseudonyms.ts";
import { validMetadata } from "../../campaign/metadata.ts";
import type { Preflight } from "../../campaign/preflight/preflight.ts";
import type { RemoveRehearsal } from "../../campaign/remove-rehearsal.ts";
import type { SettledNow } from "../../campaign/settled-issues.ts";
import { type Valid, validCampaignId } from "../../campaign/valid.ts";
import type { Breaker } from "../../claims/breaker.ts";
import type { SigningKey } from "../../proof/signing-key.ts";
import { type CampaignService, CampaignView } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { Certificates } from "../../record/certificates.ts";
import type { CodeImports } from "../../record/code-imports.ts";
import type { Commitments } from "../../record/commitments.ts";
import type { Coupons } from "../../record/coupons.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { History } from "../../record/history.ts";
import type { Issuances } from "../../record/issuances.ts";
import type { Preflights } from "../../record/preflights.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { liveCampaign, viewCampaign } from "../view/campaign-view.ts";
import type { LiveView } from "../view/live-view.ts";
import type { ProcessLook } from "../watch/process-look.ts";
import { type CampaignStatsDeps, createCampaignStats } from "./campaign-stats.ts";
import { createCertifyCampaign } from "./certify-campaign.ts";
import { createCodeImportService } from "./code-import-service.ts";
import { createCreateCampaign } from "./create-campaign.ts";
import { createDescribeFormats } from "./describe-formats.ts";
import { createEraseUsersService, type EraseUsersDeps } from "./erase-users.ts";
import { createExportCoupons } from "./export-coupons.ts";
import { createFindAttempts, type FindAttemptsDeps } from "./find-attempts.ts";
import { createFindIssuance } from "./find-issuance.ts";
import { createGetSelf } from "./get-self.ts";
import { createLifeCycleService } from "./life-cycle-service.ts";
import { createListCodes } from "./list-codes.ts";
import { operatorIn } from "./operator-gate.ts";
import { CODES_ROLE, denialOfRole } from "./operator-rights.ts";
import { createPreflightService } from "./preflight-service.ts";
import { createReadingPace, type ReadingPaceDeps } from "./reading-pace.ts";
import { createRefuse } from "./refuse.ts";
import { createRehearsalService } from "./rehearsal-service.ts";
import { validSeriesId } from "./valid-series.ts";
import { validCount, validPageToken } from "./validation.ts";
import { createVerifyCampaign, type OpenAuditor } from "./verify-campaign.ts";
import { createWatchCampaign } from "./watch-campaign.ts";

export type CampaignServiceDeps = {
  attempts: FindAttemptsDeps["attempts"];
  keepsAttempts: boolean;
  campaigns: Campaigns;
  imports: CodeImports;
  history: History;
  changeCampaign: ChangeCampaign;
  coupons: Coupons;
  issuances: Issuances;
  commitments: Commitments;
  certificates: Certificates;
  /** undefined: campaigns are not certified. */
  signingKey: SigningKey | undefined;
  settledNow: SettledNow;
  issueRate: CampaignStatsDeps["issueRate"];
  liveView: LiveView;
  claimAuth: DeploymentClaimAuth;
  reads: Breaker;
  pseudonyms: Pseudonyms | undefined;
  preflight: Preflight;
  removeRehearsal: RemoveRehearsal;
  preflights: Preflights;
  processLook: ProcessLook;
  /** Whether other processes are busy; undefined: there are none. */
  ofOthers?: Pick<ReadingPaceDeps, "busyElsewhere">;
  /** Opens both stores beside the connections of the claims. */
  openAuditor: OpenAuditor;
  /** ERASURE_KEY; undefined: there is none. */
  erasureKey?: string | undefined;
  clock: Clock;
  logger: Logger;
  /** Fires when the server drains: streams end then. */
  draining: AbortSignal;
} & Omit<EraseUsersDeps, "findCampaign">;

const LIST_PAGE = { most: 100, whenZero: 50 } as const;
const CODES_PAGE_MAX = 1_000_000;
/** The operators' service. */
export function createCampaignService(deps: CampaignServiceDeps): ServiceImpl<typeof CampaignService> {
  const { campaigns, issuances, settledNow, liveView, reads, clock, draining } = deps;
  const pace = createReadingPace({ clock, ...deps.ofOthers });
  const listCodes = createListCodes({ issuances, settledNow, pace, clock });
  const { refuse, orRefuse } = createRefuse(clock);
  const now = () => timestampFromMs(clock.now());

  async function findCampaign(id: string): Promise<CampaignDoc> {
    const campaignId = orRefuse(validCampaignId(id));
    const doc = await reads.ask(() => campaigns.find(campaignId));
    if (doc === null) throw refuse({ reason: "UNKNOWN_CAMPAIGN" });
    return doc;
  }

  return {
    ...createVerifyCampaign(deps),
    ...createPreflightService(deps),
    ...createLifeCycleService(deps),
    ...createCampaignStats(deps),
    ...createRehearsalService(deps),
    ...createCodeImportService(deps),
    ...createWatchCampaign(deps),
    ...createEraseUsersService({ ...deps, findCampaign }),

    async getCampaign(request, context) {
      const withCodes = request.view !== CampaignView.BASIC;
      const what = "GetCampaign with issued codes (any view but BASIC)";
      const denial = withCodes ? denialOfRole(operatorIn(context.values), CODES_ROLE, what) : undefined;
      if (denial !== undefined) throw refuse(denial);
      const limit = orRefuse(validCount("page_size", request.pageSize, 1, CODES_PAGE_MAX, CODES_PAGE_MAX));
      const after = orRefuse(validPageToken(request.pageToken));
      const doc = await findCampaign(request.campaignId);
      const codes = withCodes
        ? await listCodes(doc._id, after, limit, context.signal)
        : { issuedCodes: [], nextPageToken: "" };
      // Counted after the codes were read: never fewer than the codes that are shown.
      const issued = doc.state === "SOLD_OUT" ? doc.total : await issuances.count(doc._id);
      const look = await liveView.look(doc._id, doc.revision);
      return {
        campaign: viewCampaign(liveCampaign(doc, look?.pool), issued),
        ...codes,
        serverTime: now(),
      };
    },

    async listCampaigns(request) {
      const limit = orRefuse(
        validCount("page_size", request.pageSize, 1, LIST_PAGE.most, LIST_PAGE.whenZero),
      );
      const before: Valid<string> =
        request.pageToken === "" ? { ok: true, value: "" } : validCampaignId(request.pageToken);
      if (!before.ok) {
        const allowed = "must be empty or the next_page_token of an earlier answer";
        throw refuse({ reason: "INVALID", field: "page_token", allowed });
      }
      const { includeRehearsals } = request;
      const metadata = orRefuse(validMetadata("metadata", request.metadata));
      const seriesId = orRefuse(validSeriesId(request.seriesId)) ?? "";
      const docs = await reads.ask(() =>
        campaigns.list(before.value, limit + 1, includeRehearsals, metadata, seriesId),
      );
      const shown = docs.slice(0, limit);
      const views = shown.map(async (doc) => {
        const issued = doc.state === "SOLD_OUT" ? doc.total : await issuances.count(doc._id);
        return viewCampaign(doc, issued);
      });
      return {
        campaigns: await Promise.all(views),
        nextPageToken: docs.length > limit ? (shown.at(-1)?._id ?? "") : "",
        serverTime: now(),
      };
    },

    createCampaign: createCreateCampaign(deps),

    exportCoupons: createExportCoupons({ issuances, settledNow, pace, findCampaign, clock, draining }),

    certifyCampaign: createCertifyCampaign({ ...deps, pace, findCampaign }),

    getSelf: createGetSelf(clock),

    describeFormats: createDescribeFormats({ campaigns, orRefuse }),

    findAttempts: createFindAttempts({ ...deps, findCampaign, refuse, orRefuse }),

    findIssuance: createFindIssuance({ ...deps, findCampaign, refuse, orRefuse }),
  };
}
