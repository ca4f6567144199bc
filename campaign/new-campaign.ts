import { isNewPattern } from "../codes/code-format.ts";
import type { ImportedCodes } from "../record/code-import-documents.ts";
import type { CampaignDoc } from "../record/documents.ts";
import { historyId, settingsOf } from "../record/history.ts";
import type { RedemptionRulesDoc } from "../record/redemption-documents.ts";
import { SHAPE_FIRST, SHAPE_MAX } from "../runtime/stored-shape.ts";
import type { Metadata } from "./metadata.ts";

export type NewCampaign = {
  readonly name: string;
  readonly total: number;
  readonly startsAtMs: number;
  readonly endsAtMs: number | undefined;
  readonly onePerUser: boolean;
  /** How many coupons a user may have, from 2 on; undefined: one where `onePerUser`, else any number. */
  readonly maxPerUser: number | undefined;
  readonly codeFormat: string;
  /** The series of drops that it is one of; undefined: none. */
  readonly seriesId: string | undefined;
  /** How its claims are authenticated; undefined: as the deployment demands. */
  readonly claimAuth: "open" | "key" | "token" | undefined;
  /** How its coupons are redeemed; undefined: by the defaults. */
  readonly redemption?: RedemptionRulesDoc | undefined;
  /** Undefined: its users are erased only where an operator asks for it. */
  readonly forgetUsersAfterDays?: number | undefined;
  readonly requestId: string | undefined;
  readonly actor: string;
  /** As campaign/metadata.ts makes it; absent or empty: none. */
  readonly metadata?: Metadata;
  /** Its codes are those of an import, whose id it gets, and exist already. */
  readonly imported?: ImportedCodes;
};

/**
 * An older server would take a code of a new format for none, and an older generator cannot make it. And it
 * would give each request of a user a coupon, without end.
 */
function shapeOf({ codeFormat, maxPerUser }: NewCampaign): number {
  return isNewPattern(codeFormat) || maxPerUser !== undefined ? SHAPE_MAX : SHAPE_FIRST;
}

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
    shape: shapeOf(wanted),
    name: wanted.name,
    total: wanted.total,
    startsAt: new Date(wanted.startsAtMs),
    ...(wanted.endsAtMs === undefined ? {} : { endsAt: new Date(wanted.endsAtMs) }),
    onePerUser: wanted.onePerUser,
    ...(wanted.maxPerUser === undefined ? {} : { maxPerUser: wanted.maxPerUser }),
    ...(wanted.seriesId === undefined ? {} : { seriesId: wanted.seriesId }),
    codeFormat: wanted.codeFormat,
    ...(wanted.claimAuth === "key" || wanted.claimAuth === "token" ? { claimAuth: wanted.claimAuth } : {}),
    ...(wanted.redemption === undefined ? {} : { redemption: wanted.redemption }),
    ...(wanted.forgetUsersAfterDays === undefined
      ? {}
      : { forgetUsersAfterDays: wanted.forgetUsersAfterDays }),
    state: "GENERATING",
    generation: 0,
    generated: wanted.imported === undefined ? 0 : wanted.total,
    ...(rehearsal.rehearsalOf === undefined ? { committed: 0 } : {}),
    createdAt: new Date(nowMs),
    revision: 0,
    ...request,
    ...(wanted.imported === undefined ? {} : { imported: wanted.imported }),
    ...(wanted.metadata === undefined || wanted.metadata.length === 0 ? {} : { metadata: wanted.metadata }),
    ...rehearsal,
  };
  const { actor } = wanted;
  const entry = { _id: historyId(id, 0), campaignId: id, revision: 0, at: doc.createdAt, actor };
  return { ...doc, outbox: [{ ...entry, verb: "create", ...request, after: settingsOf(doc) }] };
}
