import type { ServiceImpl } from "@connectrpc/connect";
import { actorOf } from "../../access/operators.ts";
import { newCampaignDoc } from "../../campaign/new-campaign.ts";
import type { RemoveRehearsal } from "../../campaign/remove-rehearsal.ts";
import { validCampaignId, validSpace } from "../../campaign/valid.ts";
import { codesLikePattern } from "../../codes/overlap.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { isRehearsalId, newRehearsalId } from "../../record/campaign-id.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { traceIn } from "../http/call-traces.ts";
import { viewCampaign } from "../view/campaign-view.ts";
import { operatorIn } from "./operator-gate.ts";
import { createRefuse } from "./refuse.ts";
import { validNewRehearsal } from "./validation.ts";

export type RehearsalServiceDeps = {
  campaigns: Pick<Campaigns, "find" | "findByRequest" | "create" | "totalsByFormat">;
  removeRehearsal: RemoveRehearsal;
  clock: Clock;
  logger: Logger;
};

type RehearsalService = Pick<ServiceImpl<typeof CampaignService>, "createRehearsal" | "removeRehearsal">;

const AGAIN_MS = 250n;

/** The part of the operators' service that makes shadows of campaigns and removes them. */
export function createRehearsalService(deps: RehearsalServiceDeps): RehearsalService {
  const { campaigns, removeRehearsal, clock } = deps;
  const logger = deps.logger.child({ component: "server" });
  const { refuse, orRefuse } = createRefuse(clock);

  async function sourceOf(id: string): Promise<CampaignDoc> {
    const source = await campaigns.find(orRefuse(validCampaignId(id)));
    if (source === null) throw refuse({ reason: "UNKNOWN_CAMPAIGN" });
    if (source.rehearsalOf === undefined) return source;
    const allowed = `is a rehearsal itself, of ${source.rehearsalOf}`;
    throw refuse({ reason: "INVALID", field: "campaign_id", allowed });
  }

  return {
    async createRehearsal(request, { values }) {
      const nowMs = clock.now();
      const source = await sourceOf(request.campaignId);
      const { wanted: asked, lifetimeMs } = orRefuse(validNewRehearsal(request, source, nowMs));
      const wanted = { ...asked, actor: actorOf(operatorIn(values), asked.actor) };
      const earlier = wanted.requestId === undefined ? null : await campaigns.findByRequest(wanted.requestId);
      if (earlier === null) {
        const existing = codesLikePattern(wanted.codeFormat, await campaigns.totalsByFormat());
        orRefuse(validSpace(wanted.codeFormat, wanted.total, existing));
      }
      const doc = newCampaignDoc(newRehearsalId(nowMs), wanted, nowMs, {
        rehearsalOf: source._id,
        expiresAt: new Date(nowMs + lifetimeMs),
      });
      const standing = earlier ?? (await campaigns.create(doc));
      if (standing.rehearsalOf !== source._id || standing.total !== wanted.total)
        throw refuse({ reason: "CONFLICT", what: "something else than this rehearsal" });
      if (standing._id === doc._id) {
        const { _id: campaign, rehearsalOf, total, startsAt, expiresAt } = doc;
        const { callId } = traceIn(values);
        logger.info({ campaign, rehearsalOf, total, startsAt, expiresAt, callId }, "rehearsal created");
      }
      return { campaign: viewCampaign(standing, 0), notices: noticesOf(source, standing) };
    },

    async removeRehearsal(request) {
      const campaignId = orRefuse(validCampaignId(request.campaignId));
      const removal = await removeRehearsal(campaignId);
      switch (removal.kind) {
        case "no-rehearsal":
          throw refuse({
            reason: "INVALID",
            field: "campaign_id",
            allowed: "only a rehearsal can be removed",
          });
        case "removed":
          // An id of any other kind has never been one of a rehearsal.
          if (!isRehearsalId(campaignId)) throw refuse({ reason: "UNKNOWN_CAMPAIGN" });
          return { removed: true, retryAfterMs: 0n };
        case "under-way":
          return { removed: false, retryAfterMs: AGAIN_MS };
        default:
          return removal satisfies never;
      }
    },
  };
}

/** Warnings, because the same processes and stores serve the campaign and its rehearsal. */
function noticesOf(source: CampaignDoc, { startsAt, expiresAt = startsAt }: CampaignDoc): string[] {
  if (source.state === "OPEN")
    return [`the campaign itself is open: its callers share servers and stores with the rehearsal`];
  if (source.state !== "GENERATING" && source.state !== "SCHEDULED") return [];
  if (source.startsAt >= expiresAt) return [];
  return [
    `the campaign itself opens at ${source.startsAt.toISOString()}, before the rehearsal is removed by itself (${expiresAt.toISOString()}): remove it before that`,
  ];
}
