import { z } from "zod";
import { boundedText, untilAborted } from "../runtime/bounded-text.ts";
import { limitedSignal } from "../runtime/limited-signal.ts";
import { beginningOf } from "../runtime/well-formed.ts";

/** What the hook is asked about: the fields of its request. */
export type HookQuestion = {
  readonly campaign_id: string;
  /** Empty: the claim is of no user. */
  readonly user_id: string;
  readonly address: string;
  /** What the caller's page got from the check, as `x-challenge-token`; empty: the caller sent none. */
  readonly token: string;
};

/** The answer of the hook. `reason`: shown to the caller. */
export type HookAnswer = { readonly allow: boolean; readonly reason?: string | undefined };

/** Rejects where there is no answer, or one that is none. */
export type CallHook = (question: HookQuestion) => Promise<HookAnswer>;

export type HookCallSettings = {
  readonly url: string;
  readonly secret: string | undefined;
  readonly deadlineMs: number;
};

const ANSWER_BYTES_MAX = 16 * 1_024;
const REASON_MAX = 200;

const answer = z.object({
  allow: z.boolean(),
  // No line break or other control character reaches a caller's terminal.
  reason: z
    .string()
    .transform((text) => beginningOf(text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " "), REASON_MAX))
    .optional(),
});

/** Asks the hook by an HTTP POST of JSON; the deadline covers the whole answer. */
export function createHookCall({ url, secret, deadlineMs }: HookCallSettings): CallHook {
  const headers = {
    "content-type": "application/json",
    accept: "application/json",
    ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
  };
  return async (question) => {
    const limit = limitedSignal(deadlineMs);
    try {
      const response = await fetch(url, {
        ...{ method: "POST", headers, body: JSON.stringify(question) },
        // Another address might be one that gets the secret by mistake.
        ...{ redirect: "error", signal: limit.signal },
      });
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new Error(`the hook answers with HTTP ${response.status}`);
      }
      if (response.body === null) throw new Error("the hook answers with an empty body");
      const text = await boundedText(untilAborted(response.body, limit.signal), ANSWER_BYTES_MAX);
      return answer.parse(JSON.parse(text));
    } finally {
      limit.clear();
    }
  };
}
