import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { HistoryEntry, Outcome } from "../../../audit/history.ts";
import { type Answer, unknownAnswer } from "../../../callers/answer.ts";
import { answerOf } from "../../../callers/http-client.ts";
import { createPresser } from "../../../callers/press.ts";

/** Honest users: each has an address, a token and one wish, and asks again until it knows. */
export type HonestUser = { readonly userId: string; readonly token: string; readonly address: string };

/** What an honest user got. */
export type HonestResult = {
  readonly userId: string;
  /** undefined: no coupon. */
  readonly code: string | undefined;
  /** What FindCoupon answered afterwards; undefined: nothing. */
  readonly found: string | undefined;
  readonly answeredAtMs: number;
  /** From the press after the start to the coupon, with all tries that it took. */
  readonly latencyMs: number;
  readonly tries: number;
};

export type Shopping = {
  readonly url: string;
  readonly campaignId: string;
  readonly users: readonly HonestUser[];
  readonly startsAtMs: number;
  readonly windowMs: number;
};

export type Shopped = {
  readonly results: readonly HonestResult[];
  readonly history: readonly HistoryEntry[];
};

const TRY_TIMEOUT_MS = 8_000;
/** A bound against hanging: a busy machine is no fault, and time is judged by `--strict` alone. */
const PATIENCE_MS = 180_000;
const IN_FLIGHT_MAX = 10_000;
/** Every so many users press before the start, are refused, and press again at it. */
const EARLY_EACH = 10;
const EARLY_MS = 300;
const AGAIN_MS = 10;

/** All users press by the clock, at instants that are evenly spread over the window. */
export async function shop({ url, campaignId, users, startsAtMs, windowMs }: Shopping): Promise<Shopped> {
  const history: HistoryEntry[] = [];
  const results = await Promise.all(
    users.map(async (user, i): Promise<HonestResult> => {
      const press = createPresser({
        ask: (_campaignId, _userId, timeoutMs) => ask(url, user, campaignId, timeoutMs),
        ...{ campaignId, triesInFlightMax: IN_FLIGHT_MAX, tryTimeoutMs: TRY_TIMEOUT_MS },
        ...{ patienceMs: PATIENCE_MS, random: Math.random, record: (entry) => void history.push(entry) },
      });
      const dueAtMs = startsAtMs + (windowMs * i) / users.length;
      let tries = 0;
      if (i % EARLY_EACH === 0) {
        await sleep(Math.max(0, startsAtMs - EARLY_MS - Date.now()));
        tries += (await press(user.userId)).tries;
      }
      await sleep(Math.max(0, dueAtMs - Date.now()));
      const pressedMs = performance.now();
      let result = await press(user.userId);
      // The service's clocks may reach the start a moment after this one.
      while (isEarly(result.outcome) && performance.now() - pressedMs < PATIENCE_MS) {
        await sleep(AGAIN_MS);
        result = await press(user.userId);
      }
      const latencyMs = performance.now() - pressedMs;
      const { outcome, answeredAtMs } = result;
      const code = outcome.kind === "issued" ? outcome.code : undefined;
      const found = code === undefined ? undefined : await find(url, user, campaignId);
      return { userId: user.userId, code, found, answeredAtMs, latencyMs, tries: tries + result.tries };
    }),
  );
  return { results, history };
}

const isEarly = (outcome: Outcome) => outcome.kind === "refused" && outcome.reason === "NOT_STARTED";

async function ask(url: string, user: HonestUser, campaignId: string, timeoutMs: number): Promise<Answer> {
  const { status, body } = await post(url, "IssueCoupon", user, { campaignId }, timeoutMs);
  return status === 0 ? unknownAnswer(body) : answerOf(status, body, campaignId);
}

/** A look-up that is refused for a passing reason is made again: its answer is compared, not its speed. */
async function find(url: string, user: HonestUser, campaignId: string): Promise<string | undefined> {
  const givesUpAtMs = performance.now() + PATIENCE_MS;
  do {
    const fields = { campaignId, userId: user.userId };
    const { status, body } = await post(url, "FindCoupon", user, fields, TRY_TIMEOUT_MS);
    if (status === 200) return /"code":"([^"]+)"/.exec(body)?.[1];
    await sleep(200 + 300 * Math.random());
  } while (performance.now() < givesUpAtMs);
  return undefined;
}

/** Each request on a connection of its own, as from users on devices of their own. Never rejects. */
function post(
  url: string,
  method: string,
  { token, address }: HonestUser,
  fields: object,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve) => {
    const body = Buffer.from(JSON.stringify(fields));
    const failed = (error: Error) => resolve({ status: 0, body: error.message });
    const headers = {
      "content-type": "application/json",
      "content-length": body.length,
      authorization: `Bearer ${token}`,
    };
    const sent = request(
      `${url}/coupon.v1.CouponService/${method}`,
      { method: "POST", headers, localAddress: address, agent: false, timeout: timeoutMs },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("error", failed);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
        );
      },
    );
    sent.on("timeout", () => sent.destroy(new Error("timed out")));
    sent.on("error", failed);
    sent.end(body);
  });
}
