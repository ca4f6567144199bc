/** What the machine lacks and we cannot bring: one message that says what failed and what to do instead. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
}
