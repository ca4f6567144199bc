/** Set-up cannot install a part that the machine lacks: the message says which, and what to do instead. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
}
