/** A store cannot be called: there is no connection to it, and nothing was sent. */
export class StoreUnavailable extends Error {
  override readonly name: string = "StoreUnavailable";
}
