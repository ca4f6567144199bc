import type { Command } from "../command.ts";

export const logout: Command = {
  name: "logout",
  summary: "end the login to the service: remove its tokens here, and revoke them at the provider",
  takesCampaign: false,
  options: [],
  examples: ["coupon logout", "coupon logout --profile production"],
  notes: `An access token that was sent before stays good until it expires, usually for some minutes: the service verifies it without asking
the provider.`,
};
