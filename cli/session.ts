import type { CampaignClient, CouponClient } from "./client.ts";
import type { Output } from "./output.ts";
import type { Prompt } from "./prompt.ts";
import type { Settings } from "./settings.ts";

/** What a command works with. */
export interface Session {
  readonly settings: Settings;
  readonly campaigns: CampaignClient;
  readonly coupons: CouponClient;
  readonly output: Output;
  readonly prompt: Prompt;
  /** Aborts when the operator presses Ctrl-C. */
  readonly signal: AbortSignal;
}
