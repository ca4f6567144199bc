import type { Clock } from "../../client/coupon-client.ts";
import type { TokenOfTab } from "./token.ts";

/** A function of the shop's own page that gives the token of its customer, anew for each try. */
export type CouponToken = () => string | Promise<string>;

export type CustomerDeps = {
  /** Undefined: the page is the service's own, or its shop gives tokens in the address. */
  readonly couponToken: () => CouponToken | undefined;
  readonly tokenOfTab: TokenOfTab;
  readonly clock: Pick<Clock, "after">;
};

/** Who claims, as the shop says it. */
export type Customer = {
  hasToken(): boolean;
  /**
   * Undefined: the shop gives no tokens.
   * @throws whatever the shop's function throws, and an error where it does not answer
   */
  token(): Promise<string | undefined>;
  /** The service has refused the token. True: the next try may have another. */
  dropToken(): boolean;
};

/** Less than a try of the library may take, so that it is told what was waited for. */
export const SHOP_MOST_MS = 5_000;

export function createCustomer({ couponToken, tokenOfTab, clock }: CustomerDeps): Customer {
  async function ask(shop: CouponToken): Promise<string> {
    let cancel = (): void => {};
    const late = new Promise<never>((_resolve, reject) => {
      const error = new Error(`couponToken() has not settled after ${SHOP_MOST_MS} ms`);
      cancel = clock.after(SHOP_MOST_MS, () => reject(error));
    });
    try {
      return await Promise.race([shop(), late]);
    } finally {
      cancel();
    }
  }

  return {
    hasToken: () => couponToken() !== undefined || tokenOfTab.get() !== undefined,
    async token() {
      const shop = couponToken();
      return (shop && (await ask(shop))) ?? tokenOfTab.get();
    },
    dropToken() {
      tokenOfTab.set(undefined);
      return couponToken() !== undefined;
    },
  };
}
