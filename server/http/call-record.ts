import type { Span } from "../../runtime/tracer.ts";

/** Takes down the calls of one method. */
export type CallRecord = {
  /**
   * `code`: of Connect, 0 for an answer without an error; `tookMs`: from the request's head to the answer.
   * Ends the call's span.
   */
  note(code: number, tookMs: number, span?: Span | undefined): void;
};
