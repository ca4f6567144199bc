import { type Bound, fieldOf } from "../../pool/claim-field.ts";
import type { Held } from "../../record/erasing.ts";

/** An issuance as the pool binds it. */
export function boundOf({
  claimKey,
  userId = "",
  place,
}: Pick<Held, "claimKey" | "userId" | "place">): Bound {
  return place === undefined ? { claimKey, userId } : { claimKey, userId, place };
}

/** The field of the pool's claims that binds it. */
export function fieldOfIssuance(held: Held): string {
  return fieldOf(boundOf(held));
}
