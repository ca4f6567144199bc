import type { OptionSpec } from "./command.ts";

/** The flags of the rules by which coupons are redeemed. */
export const redemptionOptions: readonly OptionSpec[] = [
  {
    flags: "--valid-from <T>",
    about: "the instant from which its coupons may be redeemed (default at once)",
  },
  { flags: "--valid-until <T>", about: "the instant from which they may no longer (default never)" },
  {
    flags: "--valid-days <n>",
    about: "for so many days after its issue a coupon may be redeemed, 1 to 3650",
  },
  { flags: "--bound-to-user", about: "only the user who claimed a coupon may redeem it" },
  { flags: "--max-redemptions <n>", about: "how often each code may be redeemed, 1 to 1000 (default 1)" },
];
