import { type CouponClientOptions, createCouponClient, deviceClock } from "../../client/coupon-client.ts";
import { type CustomerDeps, createCustomer } from "./customer.ts";
import type { Keeper } from "./kept.ts";
import { createLaunch, type Launch } from "./launch.ts";

export type LaunchOptions = Omit<CouponClientOptions, "token"> &
  Pick<CustomerDeps, "couponToken" | "tokenOfTab"> & { readonly keeper: Keeper };

/** A launch on the client library, which asks the launch for the token of each try. */
export function openLaunch(campaignId: string, options: LaunchOptions): Launch {
  const { keeper, couponToken, tokenOfTab, ...shared } = options;
  const { clock = deviceClock, random = Math.random } = shared;
  const customer = createCustomer({ couponToken, tokenOfTab, clock });
  const nameless = createCouponClient(shared);
  const named = createCouponClient({ ...shared, token: () => launch.token() });
  const launch = createLaunch({
    client: {
      claim: (...asked) => (customer.hasToken() ? named : nameless).claim(...asked),
      countdown: (...asked) => nameless.countdown(...asked),
    },
    ...{ campaignId, keeper, clock, random, customer },
  });
  return launch;
}
