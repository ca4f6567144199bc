import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { readJwks } from "./read-jwks.ts";
import { createRefresh } from "./refresh.ts";
import type { TokenAlgorithm, VerifyToken } from "./token-verifier.ts";

/** How the key that a token names is found. `unread`: the set cannot be read, so the key may exist. */
export type KeyLook = VerifyToken | "unknown" | "unread";

/** The public keys of a JWKS, which its owner may change at any time. */
export type KeySet = {
  /** Without a promise where the key is known, or the set has just been read. */
  find(kid: string | undefined, algorithm: TokenAlgorithm): KeyLook | Promise<KeyLook>;
  /** Begins to read the set again if its last read is old. Does not wait. */
  keepFresh(): void;
  /** Reads the set for the first time; never rejects. */
  prepare(): Promise<void>;
};

export type KeySetDeps = {
  /** The text of the JWKS. Must end within a deadline of its own. */
  readonly read: () => Promise<string>;
  readonly verifierOf: (pem: string, algorithm: TokenAlgorithm) => VerifyToken;
  /** Called once keys have gone from the set: what was verified with them must be forgotten. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
};

type Keys = {
  readonly text: string;
  readonly byId: ReadonlyMap<string, VerifyToken>;
  /** The one key of an algorithm, for tokens that name none; undefined: there are several. */
  readonly only: ReadonlyMap<TokenAlgorithm, VerifyToken | undefined>;
};

export function createKeySet({ read, verifierOf, onChange, clock, logger }: KeySetDeps): KeySet {
  let keys: Keys | undefined;
  /** A set that was read before stays in use where this fails. */
  const refresh = createRefresh({
    clock,
    async read() {
      const text = await read();
      if (text === keys?.text) return;
      const isFirst = keys === undefined;
      keys = keysOf(text);
      if (!isFirst) onChange();
      logger.info({ keys: keys.byId.size }, "the key set of the tokens was read");
    },
    onFailure(error) {
      logger.warn({ err: error }, "the key set of the tokens (CLAIM_TOKEN_JWKS) cannot be read");
    },
  });

  function keysOf(text: string): Keys {
    const byId = new Map<string, VerifyToken>();
    const only = new Map<TokenAlgorithm, VerifyToken | undefined>();
    for (const { kid, algorithm, pem } of readJwks(text)) {
      const verify = verifierOf(pem, algorithm);
      if (kid !== undefined) byId.set(`${algorithm} ${kid}`, verify);
      only.set(algorithm, only.has(algorithm) ? undefined : verify);
    }
    return { text, byId, only };
  }

  function look(kid: string | undefined, algorithm: TokenAlgorithm): KeyLook {
    const found = kid === undefined ? keys?.only.get(algorithm) : keys?.byId.get(`${algorithm} ${kid}`);
    return found ?? (refresh.hasFailed() ? "unread" : "unknown");
  }

  return {
    find(kid, algorithm) {
      if (keys !== undefined) refresh.ifOld();
      const found = look(kid, algorithm);
      if (typeof found === "function") return found;
      return refresh.ifWorthwhile()?.then(() => look(kid, algorithm)) ?? found;
    },
    keepFresh: refresh.ifOld,
    prepare: refresh.now,
  };
}
