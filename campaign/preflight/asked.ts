import { withDeadline } from "../../runtime/deadline.ts";
import { redactUrls } from "../../runtime/url-secrets.ts";

/** The answer of a store, or in words why there is none. */
export type Asked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

/**
 * Waits for an answer, at most `deadlineMs`: a store that hangs is a finding of the preflight, not an error
 * of it.
 */
export async function ask<T>(answer: Promise<T>, deadlineMs: number, what: string): Promise<Asked<T>> {
  try {
    return { ok: true, value: await withDeadline(answer, deadlineMs, what) };
  } catch (error) {
    return { ok: false, why: redactUrls(error instanceof Error ? error.message : String(error)) };
  }
}
