import type { ServiceImpl } from "@connectrpc/connect";
import { campaignClaimAuth, type DeploymentClaimAuth } from "../../access/campaign-claim-auth.ts";
import { actorOf } from "../../access/operators.ts";
import { type NewCampaign, newCampaignDoc } from "../../campaign/new-campaign.ts";
import { validSpace } from "../../campaign/valid.ts";
import { DEFAULT_CODE_FORMAT, overlappingPatterns } from "../../codes/code-format.ts";
import { countCodes } from "../../codes/code-space.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { newCampaignId } from "../../record/campaign-id.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc, CampaignSettings } from "../../record/documents.ts";
import type { History } from "../../record/history.ts";
import type { Issuances } from "../../record/issuances.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { viewCampaign } from "../view/campaign-view.ts";
import { operatorIn } from "./operator-gate.ts";
import { createRefuse } from "./refuse.ts";
import { validNewCampaign } from "./validation.ts";

export type CreateCampaignDeps = {
  readonly campaigns: Pick<Campaigns, "findByRequest" | "totalOfFormats" | "create">;
  readonly history: Pick<History, "findByRequest">;
  readonly issuances: Pick<Issuances, "count">;
  readonly claimAuth: DeploymentClaimAuth;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Creates a campaign; a repeated request with the same request_id returns the existing one. */
export function createCreateCampaign(
  deps: CreateCampaignDeps,
): ServiceImpl<typeof CampaignService>["createCampaign"] {
  const { campaigns, history, issuances, claimAuth, clock } = deps;
  // Counting the codes of a format takes some 20 ms the first time: done now, not while claims wait.
  countCodes(DEFAULT_CODE_FORMAT);
  const logger = deps.logger.child({ component: "server" });
  const { refuse, orRefuse } = createRefuse(clock);

  return async (request, { values }) => {
    const nowMs = clock.now();
    const earlier = request.requestId === "" ? null : await campaigns.findByRequest(request.requestId);
    // A repeated request is judged by the time of the first one: what was right then is not wrong now.
    const asked = orRefuse(validNewCampaign(request, earlier?.createdAt.getTime() ?? nowMs));
    const wanted = {
      ...asked,
      actor: actorOf(operatorIn(values), asked.actor),
      claimAuth: orRefuse(campaignClaimAuth(claimAuth, asked.claimAuth)),
    };
    const existing = await campaigns.totalOfFormats(overlappingPatterns(wanted.codeFormat));
    const doc = newCampaignDoc(newCampaignId(nowMs), wanted, nowMs);
    if (earlier === null) orRefuse(validSpace(wanted.codeFormat, wanted.total, existing));
    const standing = earlier ?? (await campaigns.create(doc));
    if (standing._id !== doc._id) {
      // A caller that took the rehearsal for a campaign would have one that the service removes.
      if (standing.rehearsalOf !== undefined) throw refuse({ reason: "CONFLICT", what: "a rehearsal" });
      const created = await history.findByRequest(standing._id, wanted.requestId ?? "");
      // Compared as it was created: it may have been changed since.
      const field = differingField({ ...standing, ...asCreated(standing, created?.after) }, wanted);
      if (field !== undefined) throw refuse({ reason: "CONFLICT", what: `a campaign with another ${field}` });
    } else {
      const { _id: campaign, name, total, startsAt } = doc;
      const { actor } = wanted;
      logger.info(
        { campaign, name, total, startsAt, inMs: wanted.startsAtMs - nowMs, actor },
        "campaign created",
      );
    }
    const notices =
      wanted.startsAtMs <= nowMs
        ? [
            `starts_at has passed (${doc.startsAt.toISOString()}): the campaign opens as soon as its codes are loaded`,
          ]
        : [];
    const issued = standing._id === doc._id ? 0 : await issuances.count(standing._id);
    return { campaign: viewCampaign(standing, issued), notices };
  };
}

/** The campaign with the settings that it was created with, before any change. */
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
  if ((standing.claimAuth ?? "open") !== wanted.claimAuth) return "claim_auth";
  return undefined;
}
