import { refusalOf } from "./refusal.mjs";

/**
 * One virtual user as a state machine without clock or network: what an answer means, and what is done next.
 *
 * @typedef {{ code: string, seq: number, issuedAtMs: number, replayed: boolean }} Coupon
 * @typedef {{ kind: "issued" } & Coupon | { kind: "refused", reason: string } | { kind: "unknown", message:
 * string }} Outcome
 * @typedef {{ outcome: Outcome, retryAfterMs: number, wrong?: string }} Answer
 * @typedef {{ userId: string, asksTwice: boolean, tries: number, definite: number, waitMs: number,
 *   coupon?: Coupon }}
 * User
 */

const TRIES_MAX = 20;
const FIRST_WAIT_MS = 50;
const WAIT_MOST_MS = 1_000;
/** A user that was too early presses again within this time, not at the instant itself. */
const PRESS_AGAIN_WITHIN_MS = 3_000;
/** The second ask comes within this time after the first answer. */
const SECOND_ASK_WITHIN_MS = 2_000;
/** Four to ten Hangul syllables and digits, NFC. */
const CODE = /^[가-힣0-9]{4,10}$/;
/**
 * As in client/policy.ts, which artillery's threads cannot load; tests/artillery/artillery.test.ts compares
 * the two.
 */
const PASSING = new Set(["OVERLOADED", "UNCERTAIN", "RATE_LIMITED", "DEADLINE_EXCEEDED", "NOT_READY"]);

/**
 * @param {string} userId
 * @param {() => number} random
 * @returns {User}
 */
export function newUser(userId, random) {
  return { userId, asksTwice: random() < 0.5, tries: 0, definite: 0, waitMs: 0 };
}

/** @param {User} user */
export function wantsToAsk(user) {
  return user.definite < (user.asksTwice ? 2 : 1) && user.tries < TRIES_MAX;
}

/**
 * Reads an HTTP answer; `wrong` is set where it breaks the contract.
 *
 * @param {number} status
 * @param {string} body
 * @param {string} campaignId
 * @returns {Answer}
 */
export function readAnswer(status, body, campaignId) {
  let json;
  try {
    json = JSON.parse(body);
  } catch {
    return wrongAnswer(`HTTP ${status} whose body is not JSON`);
  }
  if (status === 200) return readCoupon(json, campaignId);
  try {
    const refusal = refusalOf(json);
    if (refusal === undefined)
      return unknownAnswer(typeof json?.code === "string" ? json.code : `HTTP ${status}`);
    const { reason, retryAfterMs } = refusal;
    if (reason === "UNSPECIFIED") return wrongAnswer("a refusal without a reason");
    if (reason === "UNCERTAIN") return { ...unknownAnswer(reason), retryAfterMs };
    return { outcome: { kind: "refused", reason }, retryAfterMs };
  } catch (error) {
    return wrongAnswer(`a refusal that cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * @param {{ coupon?: { code?: unknown, campaignId?: unknown, seq?: unknown, issuedAt?: unknown }, replayed?:
 * unknown }} json
 * @param {string} campaignId
 * @returns {Answer}
 */
function readCoupon({ coupon, replayed = false }, campaignId) {
  const { code, seq, issuedAt } = coupon ?? {};
  const issuedAtMs = Date.parse(String(issuedAt));
  if (typeof code !== "string" || !CODE.test(code) || code !== code.normalize("NFC"))
    return wrongAnswer("a coupon whose code is not of its form");
  if (coupon?.campaignId !== campaignId) return wrongAnswer("a coupon of another campaign");
  if (typeof seq !== "number" || !Number.isInteger(seq) || seq < 1)
    return wrongAnswer("a coupon without its place");
  if (!Number.isFinite(issuedAtMs)) return wrongAnswer("a coupon without its instant");
  if (typeof replayed !== "boolean") return wrongAnswer("replayed is not a boolean");
  return { outcome: { kind: "issued", code, seq, issuedAtMs, replayed }, retryAfterMs: 0 };
}

/**
 * Takes an answer into the user's state: its coupon, and the wait until the user asks again, if at all.
 *
 * @param {User} user
 * @param {Answer} answer
 * @param {() => number} random
 * @returns {string | undefined} what is wrong with the answer, given the answers before
 */
export function takeAnswer(user, { outcome, retryAfterMs, wrong }, random) {
  user.tries += 1;
  if (outcome.kind === "refused" && outcome.reason === "NOT_STARTED") {
    // Squared: most press soon after the instant.
    user.waitMs = retryAfterMs + random() ** 2 * PRESS_AGAIN_WITHIN_MS;
    return user.coupon === undefined ? wrong : "told that it has not started, holding a coupon";
  }
  if (outcome.kind === "unknown" || (outcome.kind === "refused" && PASSING.has(outcome.reason))) {
    const backOffMs = Math.min(WAIT_MOST_MS, FIRST_WAIT_MS * 2 ** Math.min(user.tries - 1, 10));
    user.waitMs = Math.max(retryAfterMs, backOffMs) * (0.5 + random());
    return wrong;
  }
  user.definite += 1;
  user.waitMs = random() ** 2 * SECOND_ASK_WITHIN_MS;
  const before = user.coupon;
  if (outcome.kind === "refused")
    return before === undefined ? wrong : `told ${outcome.reason}, holding a coupon`;
  user.coupon = outcome;
  if (before === undefined) return wrong;
  const same =
    before.code === outcome.code && before.seq === outcome.seq && before.issuedAtMs === outcome.issuedAtMs;
  return same ? wrong : "another coupon than before";
}

/**
 * @param {string} message
 * @returns {Answer}
 */
export function unknownAnswer(message) {
  return { outcome: { kind: "unknown", message }, retryAfterMs: 0 };
}

/**
 * @param {string} wrong
 * @returns {Answer}
 */
function wrongAnswer(wrong) {
  return { ...unknownAnswer(wrong), wrong };
}
