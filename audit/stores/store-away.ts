/** A store that cannot be reached: nothing can be said. */
export class StoreAway extends Error {
  override readonly name = "StoreAway";
}
