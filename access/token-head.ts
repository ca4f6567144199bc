/** The header of a token. `kid`: which key signed it; undefined: the token does not tell. */
export type TokenHead = { readonly alg: unknown; readonly kid: string | undefined };

/** Tokens of one key share their header, so few different ones are read. */
const HEADS_MAX = 1_000;
const LENGTH_MAX = 1_000;

/** Reads the header of a token and keeps it by its text; undefined: it is malformed. */
export function createTokenHeads(): (token: string) => TokenHead | undefined {
  const known = new Map<string, TokenHead>();
  return (token) => {
    const text = token.slice(0, token.indexOf("."));
    const existing = known.get(text);
    if (existing !== undefined || text.length > LENGTH_MAX) return existing;
    const head = readHead(text);
    if (head === undefined) return undefined;
    if (known.size >= HEADS_MAX) known.clear();
    known.set(text, head);
    return head;
  };
}

function readHead(text: string): TokenHead | undefined {
  try {
    const head: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    if (typeof head !== "object" || head === null) return undefined;
    const { alg, kid } = head as { readonly alg?: unknown; readonly kid?: unknown };
    return { alg, kid: typeof kid === "string" ? kid : undefined };
  } catch {
    return undefined;
  }
}
