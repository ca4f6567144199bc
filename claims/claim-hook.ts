import { createHash } from "node:crypto";
import { type Refusal, STORE_AWAY } from "../campaign/refusal.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { createRecentEntries } from "../runtime/recent-entries.ts";
import { createSingleFlight } from "../runtime/single-flight.ts";
import type { CallHook, HookQuestion } from "./hook-call.ts";

/** Decides, with a service of the operator, whether a claim may come from a person. undefined: it may. */
export type ClaimHook = (question: HookQuestion) => Promise<Refusal | undefined>;

export type ClaimHookDeps = {
  readonly call: CallHook;
  /** While the hook does not answer: `open`, everybody may claim; `closed`, nobody. */
  readonly fails: "open" | "closed";
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, "claimHook">;
};

/** Questions under way at once in a process. */
export const ASKED_MAX = 256;
/**
 * So many questions in a row without an answer, and the hook is left alone for a while; then one is a trial.
 */
const FAILED_MAX = 5;
const AWAY_FOR_MS = 1_000;
const HALF_MAX = 10_000;
/** A token of a check is good for one use, so a repeated request needs the verdict that it got. */
const ALLOWED_FOR_MS = 300_000;
const DENIED_FOR_MS = 10_000;
/** Tokens of the usual checks have up to 2,048 characters. */
const TOKEN_LENGTH_MAX = 4_096;

type Verdict = { readonly refusal: Refusal | undefined; readonly untilMs: number };

const TOO_LONG: Refusal = {
  reason: "PERMISSION_DENIED",
  why: `x-challenge-token: must have ${TOKEN_LENGTH_MAX} characters at most`,
};
/** Whatever `fails` says: a crowd that fills the questions must not let itself through by that. */
const TOO_MANY: Refusal = { ...STORE_AWAY, why: "too many claims are being checked" };
const UNDECIDED: Refusal = {
  ...STORE_AWAY,
  why: "the check whether this claim comes from a person does not answer",
};

/**
 * Asks the hook once about a token of a user; the verdict is kept for that user alone, so that no token that
 * a person has earned serves a crowd.
 */
export function createClaimHook(deps: ClaimHookDeps): ClaimHook {
  const { call, clock, metrics } = deps;
  const logger = deps.logger.child({ component: "claims" });
  // Apart: a crowd that is denied must not push out what a person's token, which is spent, has earned.
  const allowed = createRecentEntries<Verdict>(HALF_MAX);
  const denied = createRecentEntries<Verdict>(HALF_MAX);
  const asking = createSingleFlight<Refusal | undefined>();
  const undecided = deps.fails === "open" ? undefined : UNDECIDED;
  let failed = 0;
  let awayUntilMs = Number.NEGATIVE_INFINITY;

  function mayAsk(): boolean {
    if (failed < FAILED_MAX) return true;
    if (clock.elapsed() < awayUntilMs) return false;
    awayUntilMs = clock.elapsed() + AWAY_FOR_MS;
    return true;
  }

  async function ask(key: string, question: HookQuestion): Promise<Refusal | undefined> {
    try {
      const { allow, reason } = await call(question);
      if (failed >= FAILED_MAX) logger.info("the claim hook answers again");
      failed = 0;
      const refusal: Refusal | undefined = allow
        ? undefined
        : {
            reason: "PERMISSION_DENIED",
            why: `this claim was not let through: ${reason ?? "the check failed"}`,
          };
      (allow ? denied : allowed).delete(key);
      const untilMs = clock.elapsed() + (allow ? ALLOWED_FOR_MS : DENIED_FOR_MS);
      (allow ? allowed : denied).keep(key, { refusal, untilMs });
      metrics.claimHook.inc({ verdict: allow ? "allowed" : "denied" });
      return refusal;
    } catch (error) {
      failed += 1;
      if (failed === FAILED_MAX) {
        awayUntilMs = clock.elapsed() + AWAY_FOR_MS;
        logger.warn(
          { err: error, fails: deps.fails },
          "the claim hook does not answer; it is left alone for a while",
        );
      }
      metrics.claimHook.inc({ verdict: "undecided" });
      return undecided;
    }
  }

  return async (question) => {
    if (question.token.length > TOKEN_LENGTH_MAX) return TOO_LONG;
    const key = keyOf(question);
    const known = allowed.get(key) ?? denied.get(key);
    if (known !== undefined && clock.elapsed() < known.untilMs) return known.refusal;
    const underWay = asking.underWay(key);
    if (underWay !== undefined) return underWay;
    if (asking.size() >= ASKED_MAX) return TOO_MANY;
    if (mayAsk()) return asking.run(key, () => ask(key, question));
    metrics.claimHook.inc({ verdict: "undecided" });
    return undecided;
  };
}

/** A hash, since a token is long; the parts are apart in JSON, whatever is in them. */
function keyOf({ campaign_id, user_id, token, address }: HookQuestion): string {
  // A claim without a user is one of its address.
  const whose = user_id === "" ? address : user_id;
  return createHash("sha256")
    .update(JSON.stringify([campaign_id, whose, token]))
    .digest("base64url");
}
