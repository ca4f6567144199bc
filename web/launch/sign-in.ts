import type { Clock } from "../../client/coupon-client.ts";
import type { Customer } from "./customer.ts";
import { userOf } from "./token.ts";

/** Whether the shop has said who the customer is. A shop that has no tokens has nothing to say: `known`. */
export type Shop = "asked" | "silent" | "known";

export type SignInDeps = {
  readonly customer: Customer;
  readonly clock: Pick<Clock, "elapsed" | "after">;
  readonly random: () => number;
  readonly onShop: (shop: Shop) => void;
  /** Undefined: the shop gives no token, so the customer is whoever is typed. */
  readonly onUser: (user: string | undefined) => void;
};

export type SignIn = {
  /** Asks who the customer is, until the shop says it. */
  begin(): void;
  /**
   * The token for one try; "": the customer has not signed in at the shop.
   * @throws where the shop gives none
   */
  token(): Promise<string>;
};

/** A shop that did not say who the customer is is asked so often by itself, … */
const BY_ITSELF_MS = 10_000;
/** … and no more often by presses. */
const PRESSED_MS = 2_000;

export function createSignIn({ customer, clock, random, onShop, onUser }: SignInDeps): SignIn {
  let questions = 0;
  let isAsking = false;
  let notBeforeMs = 0;
  let cancel = (): void => {};

  /** Of two questions under way, the later one tells whether the shop answers. */
  async function ask(): Promise<string> {
    const question = ++questions;
    const tell = (shop: Shop): void => {
      if (question === questions) onShop(shop);
    };
    try {
      const token = await customer.token();
      tell("known");
      return token ?? "";
    } catch (error) {
      tell("silent");
      throw error;
    }
  }

  async function begin(): Promise<void> {
    cancel();
    if (isAsking) return;
    if (!customer.hasToken()) return onUser(undefined);
    const waitMs = notBeforeMs - clock.elapsed();
    if (waitMs > 0) {
      cancel = clock.after(waitMs, () => void begin());
      return;
    }
    isAsking = true;
    try {
      const token = await ask();
      onUser(token === "" ? undefined : userOf(token));
    } catch {
      notBeforeMs = clock.elapsed() + PRESSED_MS;
      cancel = clock.after(BY_ITSELF_MS * (0.5 + random()), () => void begin());
    } finally {
      isAsking = false;
    }
  }

  return { begin: () => void begin(), token: ask };
}
