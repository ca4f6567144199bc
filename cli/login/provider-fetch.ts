import type { CustomFetchOptions } from "openid-client";
import { boundedText, untilAborted } from "../../runtime/bounded-text.ts";
import { limitedSignal } from "../../runtime/limited-signal.ts";

/** Far more than a discovery document or tokens have. */
const answerBytesMax = 256 * 1024;
const deadlineMs = 10_000;

/** The part of `fetch` that the library calls. */
type Fetch = (url: string, init: CustomFetchOptions) => Promise<Response>;

/**
 * `fetch` for answers of an identity provider, which may be hostile: each is read to its end here, in bounded
 * memory and time, and none leads elsewhere. The library reads without a bound, and its time-out ends with
 * the head of an answer.
 */
export function createProviderFetch(withinMs = deadlineMs): Fetch {
  return async (url, init) => {
    const { signal, clear } = limitedSignal(withinMs, ...(init.signal === undefined ? [] : [init.signal]));
    try {
      const asked = { ...init, redirect: "manual", signal } as RequestInit;
      const { body, status, headers } = await fetch(url, asked);
      const text = body === null ? null : await boundedText(untilAborted(body, signal), answerBytesMax);
      return new Response(text === "" ? null : text, { status, headers });
    } finally {
      clear();
    }
  };
}
