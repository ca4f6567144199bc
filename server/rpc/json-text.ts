import { Code, ConnectError } from "@connectrpc/connect";
import { wellFormed } from "../../runtime/well-formed.ts";

/** An escape that may be half a surrogate pair. */
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;
/** A whole pair of them, a half, or any other escape: a backslash belongs to what follows it. */
const ESCAPES =
  /(\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2})|(\\u[dD][89a-fA-F][\da-fA-F]{2})|\\./gs;
/** A character that is a surrogate pair in a string. */
const BEYOND_16_BITS = /[\ud800-\udfff]/;

/**
 * Reads the text of a JSON request as Unicode. Bytes that are no UTF-8 are read as U+FFFD, and so is here an
 * escape that stands for half a surrogate pair. The codec repeats what it cannot read in its errors, and the
 * framework answers a gRPC or gRPC-Web call not at all where the message of its error has such a half.
 */
export class JsonText extends TextDecoder {
  /** @throws ConnectError where the text is no JSON, and V8 would cut a character apart to say so */
  override decode(bytes?: Uint8Array): string {
    const text = super.decode(bytes);
    if (BEYOND_16_BITS.test(text)) refuseCutOff(text);
    if (!SURROGATE_ESCAPE.test(text)) return text;
    return text.replace(ESCAPES, (found, _, half) => (half === undefined ? found : "\\ufffd"));
  }
}

function refuseCutOff(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    const why = wellFormed(error instanceof Error ? error.message : String(error));
    throw new ConnectError(`cannot decode JSON: ${why}`, Code.InvalidArgument);
  }
}
