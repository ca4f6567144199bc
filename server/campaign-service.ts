import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { DEFAULT_CODE_FORMAT, overlappingPatterns } from "../generator/code-format.ts";
import { countCodes } from "../generator/code-space.ts";
import type { RemoveRehearsal } from "../generator/remove-rehearsal.ts";
import type { Preflight } from "../preflight/preflight.ts";
import {
  type CampaignService,
  CampaignView,
  ExportCouponsResponseSchema,
} from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { newCampaignId } from "../record/campaign-id.ts";
import type { CampaignDoc, Campaigns } from "../record/campaigns.ts";
import type { CampaignSettings, History } from "../record/history.ts";
import type { Issuances, IssuedCode, IssuePosition } from "../record/issuances.ts";
import type { Preflights } from "../record/preflights.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { throwIfGone } from "./caller-gone.ts";
import { type CampaignStatsDeps, createCampaignStats } from "./campaign-stats.ts";
import { liveState, viewCampaign } from "./campaign-view.ts";
import type { ChangeCampaign } from "./change-campaign.ts";
import type { Breaker } from "./claims/breaker.ts";
import { createDescribeFormats } from "./describe-formats.ts";
import { createFindIssuance, viewIssuance } from "./find-issuance.ts";
import { createLifeCycleService } from "./life-cycle-service.ts";
import { cutUnlessTaken, lineIn } from "./line.ts";
import type { LiveView } from "./live-view.ts";
import { newCampaignDoc } from "./new-campaign.ts";
import { createPlaces } from "./places.ts";
import { createPreflightService } from "./preflight-service.ts";
import { createReadingPace } from "./reading-pace.ts";
import { type Refusal, refusalError } from "./refusal.ts";
import { createRehearsalService } from "./rehearsal-service.ts";
import {
  type NewCampaign,
  pageToken,
  type Valid,
  validCampaignId,
  validCount,
  validNewCampaign,
  validPageToken,
  validSpace,
} from "./validate.ts";
import { createVerifyCampaign, type OpenAuditor } from "./verify-campaign.ts";
import type { ProcessLook } from "./watch/process-look.ts";
import { createWatchCampaign } from "./watch/watch-campaign.ts";

export type CampaignServiceDeps = {
  campaigns: Campaigns;
  history: History;
  changeCampaign: ChangeCampaign;
  issuances: Issuances;
  issueRate: CampaignStatsDeps["issueRate"];
  liveView: LiveView;
  reads: Breaker;
  preflight: Preflight;
  removeRehearsal: RemoveRehearsal;
  preflights: Preflights;
  processLook: ProcessLook;
  /** Opens both stores beside the connections of the claims. */
  openAuditor: OpenAuditor;
  clock: Clock;
  logger: Logger;
  /** Fires when the server drains: streams end then. */
  draining: AbortSignal;
};

const LIST_PAGE = { most: 100, whenZero: 50 } as const;
const CODES_PAGE_MAX = 1_000_000;
const EXPORT_BATCH = { most: 10_000, whenZero: 1_000 } as const;
/** What is read at once; what a server decodes at once, callers wait for. */
const CODES_READ = { idle: 5_000, busy: 250 } as const;
/** An id has at most 128 characters: a message stays below 3 MB, whatever batch is asked for. */
const EXPORT_READ = { idle: 2_000, busy: 100 } as const;
/** What is sent to a reader that does not take it stays in memory: so many at once, and none that takes nothing for so long. */
const EXPORTS_MAX = 16;
const EXPORT_TAKEN_WITHIN_MS = 60_000;
/** Listings of codes that are read at once in a process; they wait for each other. */
const LISTINGS_MAX = 64;

/** The operators' service. */
export function createCampaignService(deps: CampaignServiceDeps): ServiceImpl<typeof CampaignService> {
  const { campaigns, history, issuances, liveView, reads, clock, draining } = deps;
  // Counting the codes of a format takes some 20 ms the first time: now, not while claims wait.
  countCodes(DEFAULT_CODE_FORMAT);
  const pace = createReadingPace({ clock });
  const exports = createPlaces(EXPORTS_MAX, "exports are under way", clock);
  const listings = createPlaces(LISTINGS_MAX, "listings of codes are under way", clock);
  const logger = deps.logger.child({ room: "server" });
  const refuse = (refusal: Refusal) => refusalError(refusal, clock.now());
  const orRefuse = <T>(valid: Valid<T>): T => {
    if (!valid.ok) throw refuse(valid.refusal);
    return valid.value;
  };
  const now = () => timestampFromMs(clock.now());

  async function findCampaign(id: string): Promise<CampaignDoc> {
    const campaignId = orRefuse(validCampaignId(id));
    const doc = await reads.ask(() => campaigns.find(campaignId));
    if (doc === null) throw refuse({ reason: "UNKNOWN_CAMPAIGN" });
    return doc;
  }

  /** The next issued codes, as many as the pace allows now, at most so many. */
  function codesAfter(
    campaignId: string,
    after: IssuePosition | undefined,
    most: number,
    signal: AbortSignal,
  ): Promise<{ codes: IssuedCode[]; isLast: boolean }> {
    const size = { idle: Math.min(most, CODES_READ.idle), busy: Math.min(most, CODES_READ.busy) };
    const read = async (limit: number) => {
      const codes = await issuances.codesInOrder(campaignId, after, limit);
      return { codes, isLast: codes.length < limit };
    };
    return pace.page(size, read, signal);
  }

  /** At most `limit` codes, and where to go on if there are more. */
  async function listCodes(
    campaignId: string,
    from: IssuePosition | undefined,
    limit: number,
    signal: AbortSignal,
  ): Promise<{ issuedCodes: string[]; nextPageToken: string }> {
    const issuedCodes: string[] = [];
    let after = from;
    const leave = listings.take();
    try {
      // In steps, so that a long list does not hold everything twice, and claims come in between.
      for (;;) {
        const left = limit - issuedCodes.length;
        const page = await codesAfter(campaignId, after, Math.max(1, left), signal);
        if (left === 0) {
          const isMore = page.codes.length > 0;
          return { issuedCodes, nextPageToken: isMore && after !== undefined ? pageToken(after) : "" };
        }
        for (const issued of page.codes) issuedCodes.push(issued._id);
        after = page.codes.at(-1) ?? after;
        if (page.isLast) return { issuedCodes, nextPageToken: "" };
      }
    } finally {
      leave();
    }
  }

  return {
    ...createVerifyCampaign(deps),
    ...createPreflightService(deps),
    ...createLifeCycleService(deps),
    ...createCampaignStats(deps),
    ...createRehearsalService(deps),
    ...createWatchCampaign(deps),

    async createCampaign(request) {
      const nowMs = clock.now();
      const earlier = request.requestId === "" ? null : await campaigns.findByRequest(request.requestId);
      // A repeated request is judged by the time of the first one: what was right then is not wrong now.
      const wanted = orRefuse(validNewCampaign(request, earlier?.createdAt.getTime() ?? nowMs));
      const existing = await campaigns.totalOfFormats(overlappingPatterns(wanted.codeFormat));
      const doc = newCampaignDoc(newCampaignId(nowMs), wanted, nowMs);
      if (earlier === null) orRefuse(validSpace(wanted.codeFormat, wanted.total, existing));
      const standing = earlier ?? (await campaigns.create(doc));
      if (standing._id !== doc._id) {
        // Whoever took it for a campaign would have one that goes away by itself.
        if (standing.rehearsalOf !== undefined) throw refuse({ reason: "CONFLICT", what: "a rehearsal" });
        const created = await history.findByRequest(standing._id, wanted.requestId ?? "");
        // As it was created: it may have been changed since.
        const field = differingField({ ...standing, ...asCreated(standing, created?.after) }, wanted);
        if (field !== undefined)
          throw refuse({ reason: "CONFLICT", what: `a campaign with another ${field}` });
      } else {
        const { _id: campaign, name, total, startsAt } = doc;
        logger.info({ campaign, name, total, startsAt, inMs: wanted.startsAtMs - nowMs }, "campaign created");
      }
      const notices =
        wanted.startsAtMs <= nowMs
          ? [
              `starts_at has passed (${doc.startsAt.toISOString()}): the campaign opens as soon as its codes are loaded`,
            ]
          : [];
      const issued = standing._id === doc._id ? 0 : await issuances.count(standing._id);
      return { campaign: viewCampaign(standing, issued), notices };
    },

    async getCampaign(request, context) {
      const limit = orRefuse(validCount("page_size", request.pageSize, 1, CODES_PAGE_MAX, CODES_PAGE_MAX));
      const after = orRefuse(validPageToken(request.pageToken));
      const doc = await findCampaign(request.campaignId);
      const codes =
        request.view === CampaignView.BASIC
          ? { issuedCodes: [], nextPageToken: "" }
          : await listCodes(doc._id, after, limit, context.signal);
      // Counted after the codes were read: never fewer than the codes that are shown.
      const issued = doc.state === "SOLD_OUT" ? doc.total : await issuances.count(doc._id);
      const look = await liveView.look(doc._id);
      return {
        campaign: viewCampaign(doc, issued, liveState(doc, look?.pool)),
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
      const docs = await reads.ask(() => campaigns.list(before.value, limit + 1, request.includeRehearsals));
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

    async *exportCoupons(request, context) {
      const { most, whenZero } = EXPORT_BATCH;
      const batchSize = orRefuse(validCount("batch_size", request.batchSize, 1, most, whenZero));
      let after = orRefuse(validPageToken(request.pageToken));
      const { _id: campaignId, onePerUser } = await findCampaign(request.campaignId);
      const size = {
        idle: Math.min(batchSize, EXPORT_READ.idle),
        busy: Math.min(batchSize, EXPORT_READ.busy),
      };
      const leave = exports.take();
      const line = lineIn(context.values);
      try {
        while (!context.signal.aborted) {
          if (draining.aborted)
            throw new ConnectError(
              "this server is stopping; go on with the last page_token",
              Code.Unavailable,
            );
          const read = async (most: number) => {
            const page = await issuances.inOrder(campaignId, after, most);
            return { page, isLast: page.length < most };
          };
          const { page, isLast } = await pace.page(size, read, context.signal);
          const lastOne = page.at(-1);
          if (lastOne === undefined) return;
          after = lastOne;
          const message = create(ExportCouponsResponseSchema, {
            coupons: page.map((issuance) => viewIssuance(issuance, onePerUser)),
            nextPageToken: pageToken(lastOne),
          });
          const taken = cutUnlessTaken(line, EXPORT_TAKEN_WITHIN_MS, clock);
          try {
            yield message;
          } finally {
            taken();
          }
          if (isLast) return;
        }
        throwIfGone(context.signal);
      } finally {
        leave();
      }
    },

    describeFormats: createDescribeFormats({ campaigns, orRefuse }),

    findIssuance: createFindIssuance({ campaigns, issuances, reads, findCampaign, refuse }),
  };
}

/** What a change could have changed, as it was before any. */
function asCreated(standing: CampaignDoc, after: CampaignSettings | undefined): Partial<CampaignDoc> {
  if (after === undefined) return {};
  const { name, total, startsAt } = after;
  return { ...standing, name, total, startsAt, endsAt: after.endsAt } as Partial<CampaignDoc>;
}

/** The first property in which a campaign differs from what a repeated request_id asks for. */
function differingField(standing: CampaignDoc, wanted: NewCampaign): string | undefined {
  if (standing.name !== wanted.name) return "name";
  if (standing.total !== wanted.total) return "total";
  if (standing.startsAt.getTime() !== wanted.startsAtMs) return "starts_at";
  if (standing.endsAt?.getTime() !== wanted.endsAtMs) return "ends_at";
  if (standing.onePerUser !== wanted.onePerUser) return "one_per_user";
  if (standing.codeFormat !== wanted.codeFormat) return "code_format";
  return undefined;
}
