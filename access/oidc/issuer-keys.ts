import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { Cancel, Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { createRefresh } from "../refresh.ts";

/** Nobody can tell whether the issuer has the key: its keys cannot be read at the moment. */
export class KeysUnread extends Error {
  override readonly name = "KeysUnread";
}

/** The public keys of an issuer, which it may change at any time. */
export type IssuerKeys = {
  /** Finds the key that a token names. @throws KeysUnread, or jose's error where there is no such key */
  readonly keyOf: JWTVerifyGetKey;
  /** Begins to read the keys, until they were read once; nobody waits for it. */
  start(): void;
  stop(): void;
};

export type IssuerKeysDeps = {
  /** Must end within a deadline of its own. */
  readonly read: () => Promise<JSONWebKeySet>;
  readonly issuer: string;
  readonly clock: Pick<Clock, "elapsed" | "after">;
  readonly logger: Logger;
};

/** Between two reads of a provider that has not answered since the start, in ms. */
export const START_RETRY_MS = 10_000;

export function createIssuerKeys({ read, issuer, clock, logger }: IssuerKeysDeps): IssuerKeys {
  let find: JWTVerifyGetKey | undefined;
  let known = "";
  let cancelRetry: Cancel = () => undefined;
  let isStopped = false;

  /** Keys that were read before stay in use where this fails. */
  const refresh = createRefresh({
    clock,
    async read() {
      const set = await read();
      const text = JSON.stringify(set);
      if (text === known && !refresh.hasFailed()) return;
      if (text !== known) find = createLocalJWKSet(set);
      known = text;
      logger.info({ issuer, keys: set.keys.length }, "the keys of the operators' issuer were read");
    },
    onFailure(error, again) {
      if (!again)
        logger.warn(
          { issuer, err: error },
          "the keys of the operators' issuer (OPERATOR_OIDC_ISSUER) cannot be read",
        );
    },
  });

  function look(...given: Parameters<JWTVerifyGetKey>) {
    if (find === undefined) throw new KeysUnread();
    return find(...given);
  }

  function start(): void {
    void refresh.now().then(() => {
      if (find === undefined && !isStopped) cancelRetry = clock.after(START_RETRY_MS, start);
    });
  }

  return {
    async keyOf(...given) {
      if (find !== undefined) refresh.ifOld();
      try {
        return await look(...given);
      } catch (error) {
        if (!(error instanceof KeysUnread || error instanceof errors.JWKSNoMatchingKey)) throw error;
        await refresh.ifWorthwhile();
      }
      try {
        return await look(...given);
      } catch (error) {
        throw refresh.hasFailed() ? new KeysUnread() : error;
      }
    },
    start,
    stop() {
      isStopped = true;
      cancelRetry();
    },
  };
}
