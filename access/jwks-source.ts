import { readSmallFile, UnreadableFile } from "../runtime/small-file.ts";
import { fetchText, KEY_SET_BYTES_MAX } from "./fetch-text.ts";

export const JWKS_TYPES = "application/jwk-set+json, application/json";
/** How long the server of the key set may take to answer, in ms. */
const DEADLINE_MS = 3_000;

/** Reads the key set that CLAIM_TOKEN_JWKS names: an absolute path, or a URL. */
export function jwksSource(place: string, deadlineMs = DEADLINE_MS): () => Promise<string> {
  return place.startsWith("http:") || place.startsWith("https:")
    ? () => fetchText(place, { accept: JWKS_TYPES, signal: AbortSignal.timeout(deadlineMs) })
    : () => readText(place);
}

async function readText(path: string): Promise<string> {
  try {
    return (await readSmallFile(path, KEY_SET_BYTES_MAX)).toString("utf8");
  } catch (cause) {
    throw cause instanceof UnreadableFile ? new Error(`the file ${cause.message}`, { cause }) : cause;
  }
}
