/**
 * The fault did not happen at the intended moment of the sale, so the round is no evidence about the product:
 * it is tried again.
 */
export class HazardMissed extends Error {
  override readonly name = "HazardMissed";
}
