import { open } from "node:fs/promises";

/** Far more than a set of keys has. */
const BYTES_MAX = 256 * 1024;
/** How long the server of the key set may take to answer, in ms. */
const DEADLINE_MS = 3_000;

/** Reads the key set that CLAIM_TOKEN_JWKS names: an absolute path, or a URL. */
export function jwksSource(place: string): () => Promise<string> {
  return place.startsWith("http:") || place.startsWith("https:")
    ? () => fetchText(place)
    : () => readText(place);
}

/** A redirection is refused: it could lead anywhere, also to a place without TLS. */
async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, {
    headers: { accept: "application/jwk-set+json, application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new Error(`its server answered with HTTP ${response.status}`);
  }
  return joined(response.body);
}

async function readText(path: string): Promise<string> {
  const file = await open(path);
  try {
    return await joined(file.createReadStream({ autoClose: false }));
  } finally {
    await file.close();
  }
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of pieces) {
    bytes += part.length;
    if (bytes > BYTES_MAX) throw new Error(`it has more than ${BYTES_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
