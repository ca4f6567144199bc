import { failureOf } from "./failure-words.ts";

const TRIES_MAX = 4;
const BACK_OFF_MS = 400;
const RETRY_AFTER_MAX_MS = 5_000;

/**
 * A change with a request_id, asked for again with the same one while its outcome is uncertain or the service
 * has tried nothing.
 * @throws the last failure
 */
export async function repeated<T>(
  call: () => Promise<T>,
  pause: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      const { isWorthRetrying, refusal } = failureOf(error);
      if (!isWorthRetrying || tries === TRIES_MAX) throw error;
      const askedMs = Math.min(Number(refusal?.retryAfterMs ?? 0), RETRY_AFTER_MAX_MS);
      await pause(askedMs + Math.random() * BACK_OFF_MS * 2 ** tries);
    }
  }
}
