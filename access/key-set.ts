import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { readJwks } from "./read-jwks.ts";
import type { TokenAlgorithm, VerifyToken } from "./token-verifier.ts";

/** How the key that a token names is found. `unread`: the set cannot be read, so the key may exist. */
export type KeyLook = VerifyToken | "unknown" | "unread";

/** The public keys of a JWKS, which its owner may change at any time. */
export type KeySet = {
  /** Without a promise where the key is known, or the set has just been read. */
  find(kid: string | undefined, algorithm: TokenAlgorithm): KeyLook | Promise<KeyLook>;
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

/** A set of this age is read again when it is used: so a key that was taken out of it is soon refused. */
export const SET_FRESH_MS = 60_000;
/** Between two reads, in ms: a flood of unknown key ids must not become a flood of reads. */
export const SET_COOLDOWN_MS = 5_000;

type Keys = {
  readonly text: string;
  readonly byId: ReadonlyMap<string, VerifyToken>;
  /** The one key of an algorithm, for tokens that name none; undefined: there are several. */
  readonly only: ReadonlyMap<TokenAlgorithm, VerifyToken | undefined>;
};

export function createKeySet({ read, verifierOf, onChange, clock, logger }: KeySetDeps): KeySet {
  let keys: Keys | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let failed = false;
  let reading: Promise<void> | undefined;

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

  /** One read at a time, which all wait for. A set that was read before stays in use where it fails. */
  function readAgain(): Promise<void> {
    readAtMs = clock.elapsed();
    reading ??= read()
      .then((text) => {
        failed = false;
        if (text === keys?.text) return;
        const isFirst = keys === undefined;
        keys = keysOf(text);
        if (!isFirst) onChange();
        logger.info({ keys: [...keys.byId.keys()].length }, "the key set of the tokens was read");
      })
      .catch((error: unknown) => {
        failed = true;
        logger.warn({ err: error }, "the key set of the tokens (CLAIM_TOKEN_JWKS) cannot be read");
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  }

  function look(kid: string | undefined, algorithm: TokenAlgorithm): KeyLook {
    const found = kid === undefined ? keys?.only.get(algorithm) : keys?.byId.get(`${algorithm} ${kid}`);
    return found ?? (failed ? "unread" : "unknown");
  }

  return {
    find(kid, algorithm) {
      const ageMs = clock.elapsed() - readAtMs;
      if (keys !== undefined && ageMs >= SET_FRESH_MS) void readAgain();
      const found = look(kid, algorithm);
      if (typeof found === "function") return found;
      if (reading === undefined && ageMs < SET_COOLDOWN_MS) return found;
      return (reading ?? readAgain()).then(() => look(kid, algorithm));
    },
    prepare: readAgain,
  };
}
