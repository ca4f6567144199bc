import type { CampaignDoc } from "../record/documents.ts";
import { historyId, settingsOf } from "../record/history.ts";

export type NewCampaign = {
  readonly name: string;
  readonly total: number;
  readonly startsAtMs: number;
  readonly endsAtMs: number | undefined;
  readonly onePerUser: boolean;
  readonly codeFormat: string;
  /** How its claims are authenticated; undefined: as the deployment demands. */
  readonly claimAuth: "open" | "key" | "token" | undefined;
  readonly requestId: string | undefined;
  readonly actor: string;
};

/** The document of a new campaign, with the first entry of its history. */
export function newCampaignDoc(
  id: string,
  wanted: NewCampaign,
  nowMs: number,
  rehearsal: Pick<CampaignDoc, "rehearsalOf" | "expiresAt"> = {},
): CampaignDoc {
  const request = wanted.requestId === undefined ? {} : { requestId: wanted.requestId };
  const doc: CampaignDoc = {
    _id: id,
    name: wanted.name,
    total: wanted.total,
    startsAt: new Date(wanted.startsAtMs),
    ...(wanted.endsAtMs === undefined ? {} : { endsAt: new Date(wanted.endsAtMs) }),
    onePerUser: wanted.onePerUser,
    codeFormat: wanted.codeFormat,
    ...(wanted.claimAuth === "key" || wanted.claimAuth === "token" ? { claimAuth: wanted.claimAuth } : {}),
    state: "GENERATING",
    generation: 0,
    generated: 0,
    createdAt: new Date(nowMs),
    revision: 0,
    ...request,
    ...rehearsal,
  };
  const { actor } = wanted;
  const entry = { _id: historyId(id, 0), campaignId: id, revision: 0, at: doc.createdAt, actor };
  return { ...doc, outbox: [{ ...entry, verb: "create", ...request, after: settingsOf(doc) }] };
}
