import { boundedText, untilAborted } from "../runtime/bounded-text.ts";

/** Far more than a set of keys, or a discovery document, has. */
export const KEY_SET_BYTES_MAX = 256 * 1024;

export type FetchTextOptions = { readonly accept: string; readonly signal: AbortSignal };

/**
 * The text that a URL answers with, in bounded memory. A redirection is refused: it could lead anywhere, also
 * to a place without TLS.
 */
export async function fetchText(url: string, { accept, signal }: FetchTextOptions): Promise<string> {
  const response = await fetch(url, { headers: { accept }, redirect: "error", signal });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new Error(`its server answered with HTTP ${response.status}`);
  }
  return boundedText(untilAborted(response.body, signal), KEY_SET_BYTES_MAX);
}
