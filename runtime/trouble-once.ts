export type TroubleOnce = {
  /** Called on the first failure in a row. */
  readonly failed: (error: unknown) => void;
  /** Called on the first success after a failure. */
  readonly recovered?: () => void;
};

/**
 * A round that never rejects: trouble is reported when it begins and when it is over, not again with every
 * round while it lasts.
 */
export function troubleOnce(
  round: () => Promise<unknown>,
  { failed, recovered }: TroubleOnce,
): () => Promise<void> {
  let failing = false;
  return async () => {
    try {
      await round();
    } catch (error) {
      if (!failing) failed(error);
      failing = true;
      return;
    }
    if (failing) recovered?.();
    failing = false;
  };
}
