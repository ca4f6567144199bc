import type { Readable } from "node:stream";
import type { CampaignClient, CouponClient, EventClient, RedemptionClient } from "./client.ts";
import type { Output } from "./output.ts";
import type { Prompt } from "./prompt.ts";
import type { Settings } from "./settings.ts";

/** Standard input; a terminal can report each key as it is pressed. */
export type Keyboard = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };

/** The context of a command that calls no service. */
export interface LocalSession {
  readonly settings: Settings;
  readonly output: Output;
  readonly prompt: Prompt;
  readonly stdin: Keyboard;
  /** False: the terminal may show only ASCII. */
  readonly unicode: boolean;
  /** Aborts when the operator presses Ctrl-C. */
  readonly signal: AbortSignal;
}

/** The context of a command that calls the service. */
export interface Session extends LocalSession {
  readonly campaigns: CampaignClient;
  readonly coupons: CouponClient;
  readonly events: EventClient;
  readonly redemptions: RedemptionClient;
}
