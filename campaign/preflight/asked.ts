import { withDeadline } from "../../runtime/deadline.ts";
import { redactUrls } from "../../runtime/url-secrets.ts";

/** What a store answered, or in words why it did not. */
export type Asked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

/**
 * Waits for an answer, at most so long: a store that hangs is a finding, not a failure of the one who looks.
 */
export async function ask<T>(answer: Promise<T>, deadlineMs: number, what: string): Promise<Asked<T>> {
  try {
    return { ok: true, value: await withDeadline(answer, deadlineMs, what) };
  } catch (error) {
    return { ok: false, why: redactUrls(error instanceof Error ? error.message : String(error)) };
  }
}
