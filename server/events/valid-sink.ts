import { invalid, type Valid, valid, validCampaignId } from "../../campaign/valid.ts";
import { TYPE_CHOICES, typesMeant } from "../../events/event-types.ts";
import { parseThreshold } from "../../events/thresholds.ts";
import { isRehearsalId } from "../../record/campaign-id.ts";
import { grouped } from "../../runtime/counting.ts";

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const NAME_RULE =
  "must be 1 to 63 small letters, digits, hyphens and underscores, the first a letter or a digit";
const THRESHOLDS_MAX = 10;
const OVERLAP_MS = { most: 2_592_000_000, whenZero: 86_400_000 } as const;
const IDS_MAX = 500;
const ID_LENGTH_MAX = 200;

/** The name of a sink, in a field. */
export function validSinkName(name: string, field: "name" | "sink" = "name"): Valid<string> {
  return NAME.test(name) ? valid(name) : invalid(field, NAME_RULE);
}

/** undefined, for none: all types. */
export function validTypes(types: readonly string[]): Valid<string[] | undefined> {
  const unknown = types.find((type) => typesMeant(type) === undefined);
  if (unknown !== undefined || types.length > TYPE_CHOICES.length)
    return invalid("types", `must be some of ${TYPE_CHOICES.join(", ")}, or none for all`);
  return valid(types.length === 0 ? undefined : [...new Set(types)]);
}

export function validThresholds(thresholds: readonly string[]): Valid<string[]> {
  const isWrong = thresholds.some((text) => parseThreshold(text) === undefined);
  if (isWrong || thresholds.length > THRESHOLDS_MAX)
    return invalid(
      "thresholds",
      `must be at most ${THRESHOLDS_MAX}: each a number of coupons, as in 100, or a share of the total, as in 10%`,
    );
  return valid([...new Set(thresholds)]);
}

/** The campaign of a sink or of a reader; undefined, for an empty id: all. */
export function validEventCampaign(campaignId: string): Valid<string | undefined> {
  if (campaignId === "") return valid(undefined);
  const id = validCampaignId(campaignId);
  if (id.ok && isRehearsalId(id.value)) return invalid("campaign_id", "is a rehearsal, which has no events");
  return id;
}

/** For how long older secrets sign too, in ms. */
export function validOverlap(overlapMs: bigint, noOverlap: boolean): Valid<number> {
  const { most, whenZero } = OVERLAP_MS;
  if (noOverlap && overlapMs !== 0n) return invalid("overlap_ms", "must be 0 where no_overlap is true");
  if (noOverlap) return valid(0);
  if (overlapMs === 0n) return valid(whenZero);
  if (overlapMs < 0n || overlapMs > BigInt(most))
    return invalid(
      "overlap_ms",
      `is ${overlapMs}: must be at most ${grouped(most)}, or 0 for ${grouped(whenZero)}`,
    );
  return valid(Number(overlapMs));
}

/** Which dead letters; none: all of the sink. */
export function validLetters(ids: readonly string[], all: boolean): Valid<readonly string[]> {
  if (all && ids.length > 0) return invalid("ids", "must be empty where all is true");
  if (!all && ids.length === 0) return invalid("ids", "must not be empty, unless all is true");
  if (ids.length > IDS_MAX || ids.some((id) => id === "" || id.length > ID_LENGTH_MAX))
    return invalid("ids", `must be at most ${IDS_MAX} ids that ListDeadLetters returned`);
  return valid(ids);
}
