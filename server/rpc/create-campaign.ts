import { isDeepStrictEqual } from "node:util";
import type { ServiceImpl } from "@connectrpc/connect";
import { campaignClaimAuth, type DeploymentClaimAuth } from "../../access/campaign-claim-auth.ts";
import { actorOf } from "../../access/operators.ts";
import type { Pseudonyms } from "../../campaign/erasure/pseudonyms.ts";
import { isSameMetadata } from "../../campaign/metadata.ts";
import { type NewCampaign, newCampaignDoc } from "../../campaign/new-campaign.ts";
import { invalid, validCampaignId, validSpace } from "../../campaign/valid.ts";
import { DEFAULT_CODE_FORMAT } from "../../codes/code-format.ts";
import { countCodes } from "../../codes/code-space.ts";
import { codesLikePattern } from "../../codes/overlap.ts";
import type {
  CampaignService,
  CreateCampaignRequest,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { newCampaignId } from "../../record/campaign-id.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CodeImportDoc } from "../../record/code-import-documents.ts";
import type { CodeImports } from "../../record/code-imports.ts";
import type { CampaignDoc, CampaignSettings } from "../../record/documents.ts";
import type { History } from "../../record/history.ts";
import type { Issuances } from "../../record/issuances.ts";
import type { Clock } from "../../runtime/clock.ts";
import { counted, grouped } from "../../runtime/counting.ts";
import type { Logger } from "../../runtime/logger.ts";
import { traceIn } from "../http/call-traces.ts";
import { viewCampaign } from "../view/campaign-view.ts";
import { operatorIn } from "./operator-gate.ts";
import { validBinding } from "./redemption-rules.ts";
import { createRefuse } from "./refuse.ts";
import { NO_ERASURE_KEY } from "./valid-forget-days.ts";
import { validNewCampaign } from "./validation.ts";

export type CreateCampaignDeps = {
  readonly campaigns: Pick<Campaigns, "find" | "findByRequest" | "totalsByFormat" | "create">;
  readonly imports: Pick<CodeImports, "find" | "use" | "countFaults">;
  readonly history: Pick<History, "findByRequest">;
  readonly issuances: Pick<Issuances, "count">;
  readonly claimAuth: DeploymentClaimAuth;
  /** Of this process' erasure key; undefined: it has none. */
  readonly pseudonyms: Pseudonyms | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Creates a campaign; a repeated request with the same request_id returns the existing one. */
export function createCreateCampaign(
  deps: CreateCampaignDeps,
): ServiceImpl<typeof CampaignService>["createCampaign"] {
  const { campaigns, imports, history, issuances, claimAuth, pseudonyms, clock } = deps;
  // Counting the codes of a format takes some 20 ms the first time: done now, not while claims wait.
  countCodes(DEFAULT_CODE_FORMAT);
  const logger = deps.logger.child({ component: "server" });
  const { refuse, orRefuse } = createRefuse(clock);

  /** The import that a campaign is made of: whole, without faults, and from now on used. */
  async function broughtCodes(
    importId: string,
    { total, codeFormat }: CreateCampaignRequest,
    isRepeated: boolean,
  ): Promise<CodeImportDoc> {
    const id = validCampaignId(importId);
    const found = id.ok ? await imports.find(id.value) : null;
    if (found === null || found.state === "discarded")
      return orRefuse(invalid("import_id", "is that of no import, or of one that was discarded"));
    if (codeFormat !== "") return orRefuse(invalid("code_format", "must be empty where codes are imported"));
    if (isRepeated) return found;
    const faults = await imports.countFaults(found._id);
    if (faults > 0) return orRefuse(invalid("import_id", `has ${counted(faults, "fault")}`));
    if (total !== found.rows)
      return orRefuse(
        invalid("total", `is ${grouped(total)}: the import has ${counted(found.rows, "code")}`),
      );
    const used = await imports.use(found._id, total);
    if (used === null)
      return orRefuse(invalid("import_id", "was discarded, or has taken more codes meanwhile"));
    if ((await campaigns.find(found._id)) !== null)
      throw refuse({ reason: "CONFLICT", what: "a campaign of this import" });
    return used;
  }

  return async (request, { values }) => {
    const nowMs = clock.now();
    const earlier = request.requestId === "" ? null : await campaigns.findByRequest(request.requestId);
    // A repeated request is judged by the time of the first one: what was right then is not wrong now.
    const asked = orRefuse(validNewCampaign(request, earlier?.createdAt.getTime() ?? nowMs));
    const claimed = orRefuse(campaignClaimAuth(claimAuth, asked.claimAuth));
    const knowsUsers = asked.onePerUser || claimed === "token" || asked.maxPerUser !== undefined;
    const wanted = {
      ...asked,
      actor: actorOf(operatorIn(values), asked.actor),
      claimAuth: claimed,
      redemption: orRefuse(validBinding(asked.redemption, knowsUsers)),
    };
    if (wanted.forgetUsersAfterDays !== undefined && pseudonyms === undefined)
      throw refuse({ reason: "INVALID", field: "forget_users_after_days", allowed: NO_ERASURE_KEY });
    const { importId } = request;
    const brought = importId === "" ? undefined : await broughtCodes(importId, request, earlier !== null);
    const doc =
      brought === undefined
        ? newCampaignDoc(newCampaignId(nowMs), wanted, nowMs)
        : newCampaignDoc(brought._id, { ...wanted, codeFormat: "", imported: brought.codes }, nowMs);
    if (brought !== undefined && earlier !== null && earlier._id !== brought._id)
      throw refuse({ reason: "CONFLICT", what: "a campaign with another import_id" });
    if (earlier === null && brought === undefined) {
      const existing = codesLikePattern(wanted.codeFormat, await campaigns.totalsByFormat());
      orRefuse(validSpace(wanted.codeFormat, wanted.total, existing));
    }
    const standing = earlier ?? (await campaigns.create(doc));
    if (standing !== doc) {
      // A caller that took the rehearsal for a campaign would have one that the service removes.
      if (standing.rehearsalOf !== undefined) throw refuse({ reason: "CONFLICT", what: "a rehearsal" });
      const created = await history.findByRequest(standing._id, wanted.requestId ?? "");
      // Compared as it was created: it may have been changed since.
      const field = differingField(
        { ...standing, ...asCreated(standing, created?.after) },
        {
          ...wanted,
          ...(brought === undefined ? {} : { codeFormat: "" }),
        },
      );
      if (field !== undefined) throw refuse({ reason: "CONFLICT", what: `a campaign with another ${field}` });
    } else {
      const { _id: campaign, name, total, startsAt } = doc;
      const { actor } = wanted;
      logger.info(
        {
          campaign,
          name,
          total,
          startsAt,
          inMs: wanted.startsAtMs - nowMs,
          actor,
          callId: traceIn(values).callId,
        },
        "campaign created",
      );
    }
    const notices =
      wanted.startsAtMs <= nowMs
        ? [
            `starts_at has passed (${doc.startsAt.toISOString()}): the campaign opens as soon as its codes are loaded`,
          ]
        : [];
    const issued = standing === doc ? 0 : await issuances.count(standing._id);
    return { campaign: viewCampaign(standing, issued), notices };
  };
}

/** The campaign with the settings that it was created with, before any change. */
function asCreated(standing: CampaignDoc, after: CampaignSettings | undefined): Partial<CampaignDoc> {
  if (after === undefined) return {};
  const { name, total, startsAt, endsAt, metadata, forgetUsersAfterDays } = after;
  const settings = { name, total, startsAt, endsAt, metadata, forgetUsersAfterDays };
  return { ...standing, ...settings } as Partial<CampaignDoc>;
}

/** The first property in which a campaign differs from what a repeated request_id asks for. */
function differingField(standing: CampaignDoc, wanted: NewCampaign): string | undefined {
  if (standing.name !== wanted.name) return "name";
  if (standing.total !== wanted.total) return "total";
  if (standing.startsAt.getTime() !== wanted.startsAtMs) return "starts_at";
  if (standing.endsAt?.getTime() !== wanted.endsAtMs) return "ends_at";
  if (standing.onePerUser !== wanted.onePerUser) return "one_per_user";
  if (standing.seriesId !== wanted.seriesId) return "series_id";
  if (standing.maxPerUser !== wanted.maxPerUser) return "max_per_user";
  if (standing.codeFormat !== wanted.codeFormat) return "code_format";
  if (!isSameMetadata(standing.metadata ?? [], wanted.metadata ?? [])) return "metadata";
  if ((standing.claimAuth ?? "open") !== wanted.claimAuth) return "claim_auth";
  if (!isDeepStrictEqual(standing.redemption, wanted.redemption)) return "redemption";
  if (standing.forgetUsersAfterDays !== wanted.forgetUsersAfterDays) return "forget_users_after_days";
  return undefined;
}
