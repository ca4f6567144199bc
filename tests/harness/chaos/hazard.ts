/**
 * The fault did not meet the sale as it was meant to, so the round says nothing about the product: it is
 * tried again.
 */
export class HazardMissed extends Error {
  override readonly name = "HazardMissed";
}
