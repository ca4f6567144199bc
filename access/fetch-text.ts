/** Far more than a set of keys, or a discovery document, has. */
const BYTES_MAX = 256 * 1024;

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
  return joined(untilAborted(response.body, signal));
}

/**
 * The pieces of a body until the signal is aborted. `fetch` itself forgets its signal once its answer has
 * begun: it keeps the rest of the request by weak references alone, and a body that never ends then hangs.
 * Source: undici, lib/web/fetch/request.js.
 * @throws the reason of the signal
 */
export async function* untilAborted(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const cancel = () => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener("abort", cancel);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    // Nothing happens where it has ended.
    cancel();
  }
}

/** The text of these pieces. @throws where they are more than a set of keys has */
export async function joined(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of pieces) {
    bytes += part.length;
    if (bytes > BYTES_MAX) throw new Error(`it has more than ${BYTES_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
