/** There was more than the reader takes; the rest was not read. */
export class TooLong extends Error {
  override readonly name = "TooLong";
}

/**
 * The text of these pieces, in bounded memory.
 * @throws TooLong where they have more than `bytesMax` bytes; leaving the pieces there ends their source
 */
export async function boundedText(pieces: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of pieces) {
    bytes += part.length;
    if (bytes > bytesMax) throw new TooLong(`it has more than ${bytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/**
 * The pieces of a `fetch`'s body until the signal is aborted. `fetch` itself forgets its signal once its
 * answer has begun: it keeps the rest of the request by weak references alone, and a body that never ends
 * then hangs. Source: undici, lib/web/fetch/request.js.
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
