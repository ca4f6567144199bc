import type { Input } from "./command.ts";

const defaultIntervalMs = 1_000;
const revisionMax = 2 ** 31 - 1;

/** What `coupon watch` and `coupon launch` follow, and from where on. */
export interface Watched {
  readonly campaignId: string;
  /** Between two messages. */
  readonly intervalMs: number;
  /** Every change above this revision is told; undefined: the last few. */
  readonly afterRevision: number | undefined;
}

export const watchOptions = [
  { flags: "--interval <ms>", about: `between messages, 100 to 60000 (default ${defaultIntervalMs})` },
  { flags: "--after <revision>", about: "tell every change above this revision (default: the last 20)" },
] as const;

export function watchedBy(input: Input): Watched {
  return {
    campaignId: input.campaignId,
    intervalMs: input.wholeNumber("--interval", 100, 60_000) ?? defaultIntervalMs,
    afterRevision: input.wholeNumber("--after", 0, revisionMax),
  };
}
