import type {
  ClaimOutcome,
  Clock,
  CountdownView,
  CouponClient,
  Progress,
} from "../../client/coupon-client.ts";
import type { Customer } from "./customer.ts";
import { follow } from "./follow.ts";
import type { Keeper } from "./kept.ts";
import { type LaunchState, needsOf, needsToken } from "./scene.ts";
import { createSignIn } from "./sign-in.ts";
import { userOf } from "./token.ts";

export type LaunchDeps = {
  readonly client: Pick<CouponClient, "claim" | "countdown">;
  readonly campaignId: string;
  readonly keeper: Keeper;
  readonly clock: Pick<Clock, "elapsed" | "after">;
  readonly random: () => number;
  readonly customer: Customer;
};

/** One customer's way through a launch. */
export type Launch = {
  state(): LaunchState;
  /** Calls back after each change. */
  subscribe(changed: () => void): void;
  /** Counts down, finds out who the customer is, and goes on with what is kept. */
  begin(): void;
  /** The address of the page has another token. */
  signIn(): void;
  /**
   * The token of a try, which ends unsent where it is another customer's.
   * @throws where the shop gives none
   */
  token(): Promise<string>;
  /** Any number of presses are one claim. */
  press(): void;
  /** A typed user id, without blanks at its ends; "": another one is wanted. */
  setUser(user: string): void;
  setOnline(isOnline: boolean): void;
};

/** Presses after a definite answer ask no more often. */
const AGAIN_AFTER_MS = 2_000;
/** A paused campaign is asked about so often. */
const PAUSED_MS = 10_000;
/** Pages that hear the same news do not ask together. */
const NEWS_SPREAD_MS = 2_000;
/** Where another tab of this customer claims, its coupon mostly comes before this one asks, too. */
const OTHER_TAB_MS = 3_000;

export function createLaunch({ client, campaignId, keeper, clock, random, customer }: LaunchDeps): Launch {
  const listeners: (() => void)[] = [];
  let state: LaunchState = {
    ...{ campaignId, campaign: undefined, isOnline: true, hasToken: customer.hasToken(), user: "" },
    ...{ shop: "asked", isWanted: false, claim: { phase: "idle" }, coupon: undefined, isOtherTabs: false },
  };
  /** Before the shop has said for whom. */
  let isPressed = false;
  let running: AbortController | undefined;
  let notBeforeMs = 0;
  let cancelLater = (): void => {};
  /** Since it was answered that all coupons are gone, the campaign's status has said so, too. */
  let wasDry = false;

  function set(change: Partial<LaunchState>): void {
    state = { ...state, ...change };
    for (const changed of listeners) changed();
  }

  /** What is kept of this customer counts: this tab's, or another's. */
  function load(isOtherTabs = false): void {
    const { isWanted, coupon } = keeper.of(state.user);
    if (coupon !== undefined) stop();
    const isKnown = coupon?.code === state.coupon?.code;
    set({ isWanted, coupon, isOtherTabs: isKnown ? state.isOtherTabs : isOtherTabs });
    advance(isOtherTabs ? OTHER_TAB_MS : 0, isOtherTabs ? "otherTab" : "asking");
  }

  function want(isWanted: boolean): void {
    keeper.keep(state.user, { ...keeper.of(state.user), isWanted });
    set({ isWanted });
  }

  function stop(): void {
    cancelLater();
    running?.abort();
    running = undefined;
    set({ claim: { phase: "idle" } });
  }

  /** Begins the claim that is wanted, once all is known that it needs. */
  function advance(delayMs = 0, phase: "asking" | "otherTab" = "asking"): void {
    if (!state.isWanted || state.coupon !== undefined || running !== undefined) return;
    const needs = needsOf(state);
    // Pressed before it was known that a user id is needed.
    if (needs === "user") want(false);
    if (needs !== "nothing") return;
    cancelLater();
    const waitMs = Math.max(delayMs, notBeforeMs - clock.elapsed());
    const own = new AbortController();
    running = own;
    if (!isPaused()) set({ claim: { phase } });
    cancelLater = waitMs <= 0 ? () => {} : clock.after(waitMs, () => void claim(own));
    if (waitMs <= 0) void claim(own);
  }

  async function claim(own: AbortController): Promise<void> {
    const { user, campaign } = state;
    const namesUser = user !== "" && campaign?.kind === "campaign" && !needsToken(campaign);
    const userId = namesUser ? user : undefined;
    const onProgress = (progress: Progress): void => {
      if (running === own) show(progress);
    };
    try {
      const outcome = await client.claim(campaignId, {
        ...{ userId, onProgress, waitForStart: true, signal: own.signal },
      });
      if (running === own) end(outcome);
    } catch {
      // Aborted: somebody else goes on.
    }
  }

  function show(progress: Progress): void {
    if (progress.kind === "waiting") set({ claim: { phase: "waiting", why: progress.why } });
    // The next try of a claim that waits is no news, until it has waited for the start.
    else if (progress.tries === 1 ? !isPaused() : isForStart()) set({ claim: { phase: "asking" } });
  }

  function end(outcome: ClaimOutcome): void {
    running = undefined;
    notBeforeMs = clock.elapsed() + AGAIN_AFTER_MS;
    wasDry = false;
    if (outcome.kind === "issued") {
      const { code, issuedAt } = outcome.coupon;
      // The first that was kept stays: without TLS two tabs may have claimed with two keys.
      const coupon = keeper.of(state.user).coupon ?? { code, issuedAtMs: issuedAt.getTime() };
      keeper.keep(state.user, { isWanted: false, coupon });
      set({ coupon, isWanted: false, claim: { phase: "idle" } });
      return;
    }
    set({ claim: { phase: "over", outcome } });
    if (outcome.kind === "paused") {
      const waitMs = Math.max(outcome.retryAfterMs, PAUSED_MS) * (0.5 + random());
      cancelLater = clock.after(waitMs, () => advance());
    } else if (outcome.kind === "notStarted") advance();
    else if (outcome.kind !== "unauthenticated") want(false);
    else if (customer.dropToken()) want(false);
    else set({ hasToken: false });
  }

  const isPaused = (): boolean => state.claim.phase === "over" && state.claim.outcome.kind === "paused";
  const isForStart = (): boolean => state.claim.phase === "waiting" && state.claim.why === "start";

  function see(view: CountdownView): void {
    const before = state.campaign;
    if (before?.kind === "campaign" && view.kind !== "campaign") return;
    set({ campaign: view });
    if (view.kind !== "campaign") return;
    const isMoved = before?.kind === "campaign" && before.startsAt.getTime() !== view.startsAt.getTime();
    const isOver = view.state === "ENDED" || view.state === "CANCELLED";
    if (isForStart() && (isMoved || isOver)) {
      stop();
      advance(random() * NEWS_SPREAD_MS);
    } else if (
      isPaused() &&
      view.state !== "PAUSED" &&
      before?.kind === "campaign" &&
      before.state === "PAUSED"
    )
      advance(random() * NEWS_SPREAD_MS);
    else if (state.claim.phase === "over" && state.claim.outcome.kind === "soldOut") {
      // Coupons were added; a status that is older than the answer does not count.
      if (wasDry && !view.soldOut && !isOver) set({ claim: { phase: "idle" } });
      wasDry ||= view.soldOut;
    } else advance();
  }

  const signIn = createSignIn({
    ...{ customer, clock, random },
    onShop(shop) {
      if (shop === state.shop) return;
      set({ shop, claim: running === undefined && shop === "silent" ? { phase: "idle" } : state.claim });
    },
    onUser(user) {
      become({ user: user ?? keeper.user(), hasToken: user !== undefined });
      if (isPressed && needsOf(state) !== "token") press();
      isPressed = false;
    },
  });

  function become(known: Partial<Pick<LaunchState, "user" | "hasToken">>): void {
    stop();
    set({ ...known, shop: "known" });
    load();
  }

  function press(): void {
    if (state.coupon !== undefined) return;
    if (state.shop !== "known" && running === undefined) {
      isPressed = true;
      set({ shop: "asked", claim: { phase: "asking" } });
      signIn.begin();
      return;
    }
    // The page asks by itself.
    if (needsOf(state) === "user" || (state.isWanted && isPaused())) return;
    const isHurried = state.shop === "silent";
    if (isHurried) stop();
    set({ shop: "known" });
    want(true);
    advance();
    if (isHurried) notBeforeMs = clock.elapsed() + AGAIN_AFTER_MS;
  }

  keeper.onChange(() => {
    if (state.shop !== "known" && running === undefined) return;
    const user = keeper.user();
    if (!state.hasToken && user !== state.user && !state.isWanted && user !== "") set({ user });
    load(true);
  });

  return {
    state: () => state,
    subscribe: (changed) => void listeners.push(changed),
    begin() {
      follow(() => client.countdown(campaignId), { clock, random }, see);
      signIn.begin();
    },
    signIn: signIn.begin,
    async token() {
      const token = await signIn.token();
      // Another customer has signed in at the shop since: the claim of the one before ends here, unsent.
      const user = userOf(token);
      if (user !== "" && user !== state.user) become({ user, hasToken: true });
      return token;
    },
    press,
    setUser(user) {
      stop();
      if (user === "") want(false);
      keeper.setUser(user);
      become({ user });
    },
    setOnline: (isOnline) => set({ isOnline }),
  };
}
