import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { VerifyOperatorToken } from "../operators.ts";
import { type AccessTokenRules, createVerifyAccessToken } from "./access-token.ts";
import { createIssuerKeys } from "./issuer-keys.ts";
import { issuerReader } from "./read-issuer.ts";
import { type OperatorClaims, operatorOfClaims } from "./token-operator.ts";

export type OperatorTokens = {
  readonly verify: VerifyOperatorToken;
  stop(): void;
};

export type OperatorTokenSettings = AccessTokenRules & OperatorClaims;

export type OperatorTokenDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the provider may take to answer; undefined: the default. */
  readonly deadlineMs?: number | undefined;
};

/** Tokens that are verified, or wait for the keys of the issuer, at once; one more is not looked at. */
const PENDING_MAX = 1_000;
const CROWDED = {
  kind: "undecided",
  why: "too many access tokens are being verified at the moment",
} as const;

/** Accepts the access tokens of one issuer, whose keys are read from now on. */
export function createOperatorTokens(
  settings: OperatorTokenSettings,
  { clock, logger, deadlineMs }: OperatorTokenDeps,
): OperatorTokens {
  const { issuer } = settings;
  const keys = createIssuerKeys({ read: issuerReader(issuer, deadlineMs), issuer, clock, logger });
  const verify = createVerifyAccessToken(settings, keys.keyOf, clock);
  let pending = 0;
  keys.start();
  return {
    async verify(text) {
      if (pending >= PENDING_MAX) return CROWDED;
      pending += 1;
      const token = await verify(text).finally(() => {
        pending -= 1;
      });
      if (token.kind === "good") return operatorOfClaims(token.claims, settings);
      return { kind: token.kind === "unread" ? "undecided" : "wrong", why: token.why };
    },
    stop: keys.stop,
  };
}
