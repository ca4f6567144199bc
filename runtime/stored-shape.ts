/**
 * The newest shape of a campaign (its documents in MongoDB, its keys in Redis) that this program understands.
 * What carries no number has shape 1. It rises when an older program would misread what a newer one writes;
 * `pool/lua/include-shape.lua` has the same number. A campaign is of the lowest shape that its features need,
 * so that an older program leaves alone only what it would misread.
 */
export const SHAPE_MAX = 2;

/** The shape of campaigns that use nothing but what version 0.1.0 had. */
export const SHAPE_FIRST = 1;

/** The least shape of a campaign with erased users: an older program would give them a second coupon. */
export const ERASED_SHAPE = 2;

/** Matches the campaigns in MongoDB that this program understands. */
export const UNDERSTOOD = { shape: { $not: { $gt: SHAPE_MAX } } } as const;

/** A campaign of a newer shape than this program understands: it is neither read further nor changed. */
export class NewerShape extends Error {
  override readonly name = "NewerShape";
}

/** The document of a campaign, if this program understands it. @throws NewerShape if it does not */
export function understood<D extends { readonly _id: string; readonly shape?: number } | null>(doc: D): D {
  if (doc !== null && isNewer(doc))
    throw new NewerShape(`campaign ${doc._id} has shape ${doc.shape}; this program reads up to ${SHAPE_MAX}`);
  return doc;
}

export function isNewer({ shape = SHAPE_FIRST }: { readonly shape?: number }): boolean {
  return shape > SHAPE_MAX;
}
