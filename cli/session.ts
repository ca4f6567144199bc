import type { Readable } from "node:stream";
import type { CampaignClient, CouponClient } from "./client.ts";
import type { Output } from "./output.ts";
import type { Prompt } from "./prompt.ts";
import type { Settings } from "./settings.ts";

/** Standard input; where it is a terminal it can give each key as it is pressed. */
export type Keyboard = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };

/** What a command works with that asks no service. */
export interface LocalSession {
  readonly settings: Settings;
  readonly output: Output;
  readonly prompt: Prompt;
  readonly stdin: Keyboard;
  /** False: the terminal may not know more than ASCII. */
  readonly unicode: boolean;
  /** Aborts when the operator presses Ctrl-C. */
  readonly signal: AbortSignal;
}

/** What a command works with. */
export interface Session extends LocalSession {
  readonly campaigns: CampaignClient;
  readonly coupons: CouponClient;
}
