import { type Clock, systemClock } from "./clock.ts";

/** A call got no answer in time. It may still take effect, or may have done so. */
export class DeadlineExceeded extends Error {
  override readonly name = "DeadlineExceeded";
}

/**
 * The call's result, or DeadlineExceeded after `limitMs`. The call itself is not cancelled: the caller must
 * allow for its late effect.
 */
export function withDeadline<T>(
  call: Promise<T>,
  limitMs: number,
  what: string,
  clock: Clock = systemClock,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(limitMs, () =>
      reject(new DeadlineExceeded(`${what}: no answer within ${limitMs} ms`)),
    );
    call.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
