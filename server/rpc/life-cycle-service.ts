import { create } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { actorOf } from "../../access/operators.ts";
import type { ChangeCampaign } from "../../campaign/change-campaign.ts";
import type { Pseudonyms } from "../../campaign/erasure/pseudonyms.ts";
import type { Change } from "../../campaign/judge-change.ts";
import { validMetadataChange, viewMetadata } from "../../campaign/metadata.ts";
import { validCampaignId, validKey } from "../../campaign/valid.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  type CampaignService,
  type CampaignSettings,
  CampaignSettingsSchema,
  type HistoryEntry,
  HistoryEntrySchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { HistoryDoc, CampaignSettings as RecordedSettings } from "../../record/documents.ts";
import type { History } from "../../record/history.ts";
import type { Issuances } from "../../record/issuances.ts";
import type { Clock } from "../../runtime/clock.ts";
import { traceIn } from "../http/call-traces.ts";
import { viewCampaign } from "../view/campaign-view.ts";
import { operatorIn } from "./operator-gate.ts";
import { denialOfRole, ERASING_ROLE } from "./operator-rights.ts";
import { createRefuse } from "./refuse.ts";
import { NO_ERASURE_KEY, validNewForgetDays } from "./valid-forget-days.ts";
import {
  validActor,
  validAddition,
  validCount,
  validNewEnd,
  validNewName,
  validRevision,
  validStart,
} from "./validation.ts";

export type LifeCycleServiceDeps = {
  changeCampaign: ChangeCampaign;
  campaigns: Campaigns;
  history: History;
  issuances: Issuances;
  clock: Clock;
  pseudonyms: Pseudonyms | undefined;
};

type LifeCycleService = Pick<
  ServiceImpl<typeof CampaignService>,
  | "pauseCampaign"
  | "resumeCampaign"
  | "rescheduleCampaign"
  | "addCoupons"
  | "endCampaign"
  | "cancelCampaign"
  | "updateCampaign"
  | "listHistory"
>;

/** The fields that all requests for a change have. */
type ChangeRequest = {
  readonly campaignId: string;
  readonly actor: string;
  readonly requestId: string;
  readonly dryRun: boolean;
};

const EDITED = "name, ends_at, no_end, set_metadata, remove_metadata, forget_users_after_days, keep_users";

const HISTORY_PAGE = { most: 1_000, whenZero: 100 } as const;

/** The part of the operators' service that changes campaigns and lists their history. */
export function createLifeCycleService(deps: LifeCycleServiceDeps): LifeCycleService {
  const { changeCampaign, campaigns, history, issuances, clock } = deps;
  const { refuse, orRefuse } = createRefuse(clock);
  const hasErasureKey = deps.pseudonyms !== undefined;

  async function answer(request: ChangeRequest, { signal, values }: HandlerContext, change: Change) {
    const changed = await changeCampaign({
      campaignId: orRefuse(validCampaignId(request.campaignId)),
      change,
      actor: actorOf(operatorIn(values), orRefuse(validActor(request.actor))),
      requestId: request.requestId === "" ? undefined : orRefuse(validKey("request_id", request.requestId)),
      dryRun: request.dryRun,
      ...{ signal, ...traceIn(values) },
    });
    if (changed.kind === "refused") throw refuse(changed.refusal);
    const { campaign, notices } = changed;
    const issued = await issuances.count(campaign._id);
    return {
      campaign: viewCampaign(campaign, issued),
      already: changed.kind === "already",
      notices: [...notices],
    };
  }

  return {
    pauseCampaign: (request, context) => answer(request, context, { verb: "pause" }),
    resumeCampaign: (request, context) => answer(request, context, { verb: "resume" }),
    endCampaign: (request, context) => answer(request, context, { verb: "end" }),
    cancelCampaign: (request, context) => answer(request, context, { verb: "cancel" }),

    rescheduleCampaign(request, context) {
      const startsAtMs = orRefuse(validStart(request.startsAt, clock.now()));
      const endsAtMs = orRefuse(validNewEnd(request.endsAt, request.noEnd));
      return answer(request, context, { verb: "reschedule", startsAtMs, endsAtMs });
    },

    updateCampaign(request, context) {
      const name = orRefuse(validNewName(request.name));
      const endsAtMs = orRefuse(validNewEnd(request.endsAt, request.noEnd));
      const metadata = orRefuse(validMetadataChange(request.setMetadata, request.removeMetadata));
      const forgetUsersAfterDays = orRefuse(
        validNewForgetDays(request.forgetUsersAfterDays, request.keepUsers),
      );
      const parts = { name, endsAtMs, metadata, forgetUsersAfterDays };
      if (Object.values(parts).every((part) => part === undefined)) {
        const allowed = "give at least one of them: there is nothing to change";
        throw refuse({ reason: "INVALID", field: EDITED, allowed });
      }
      if (forgetUsersAfterDays !== undefined) {
        const what = "UpdateCampaign with forget_users_after_days or keep_users";
        const denial = denialOfRole(operatorIn(context.values), ERASING_ROLE, what);
        if (denial !== undefined) throw refuse(denial);
      }
      if (typeof forgetUsersAfterDays === "number" && !hasErasureKey)
        throw refuse({ reason: "INVALID", field: "forget_users_after_days", allowed: NO_ERASURE_KEY });
      return answer(request, context, { verb: "edit", ...parts });
    },

    addCoupons(request, context) {
      const count = orRefuse(validAddition(request.count));
      return answer(request, context, { verb: "add", count });
    },

    async listHistory(request) {
      const { most, whenZero } = HISTORY_PAGE;
      const limit = orRefuse(validCount("page_size", request.pageSize, 1, most, whenZero));
      const before = orRefuse(validRevision(request.pageToken));
      const campaign = await campaigns.find(orRefuse(validCampaignId(request.campaignId)));
      if (campaign === null) throw refuse({ reason: "UNKNOWN_CAMPAIGN" });
      const entries = await history.list(campaign._id, before, limit + 1);
      const shown = entries.slice(0, limit);
      return {
        entries: shown.map(viewEntry),
        nextPageToken: entries.length > limit ? String(shown.at(-1)?.revision) : "",
        serverTime: timestampFromMs(clock.now()),
      };
    },
  };
}

function viewEntry(entry: HistoryDoc): HistoryEntry {
  const { revision, at, actor, verb, requestId = "", erased, before, after, happenedAt } = entry;
  return create(HistoryEntrySchema, {
    revision,
    at: timestampFromDate(at),
    actor,
    verb,
    requestId,
    ...(before === undefined ? {} : { before: viewSettings(before) }),
    after: viewSettings(after),
    ...(erased === undefined ? {} : { erased }),
    ...(happenedAt === undefined ? {} : { happenedAt: timestampFromDate(happenedAt) }),
  });
}

function viewSettings(settings: RecordedSettings): CampaignSettings {
  const { state, name, total, adding = 0, startsAt, endsAt, metadata, forgetUsersAfterDays = 0 } = settings;
  return create(CampaignSettingsSchema, {
    state: CampaignState[state],
    name,
    total,
    adding,
    startsAt: timestampFromDate(startsAt),
    ...(endsAt === undefined ? {} : { endsAt: timestampFromDate(endsAt) }),
    metadata: viewMetadata(metadata),
    forgetUsersAfterDays,
  });
}
