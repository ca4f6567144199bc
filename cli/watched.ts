import type { Input } from "./command.ts";

const defaultIntervalMs = 1_000;
const revisionMax = 2 ** 31 - 1;

/** The campaign that `coupon watch` or `coupon launch` follows, and the revision from which it starts. */
export interface Watched {
  readonly campaignId: string;
  /** The time between two messages. */
  readonly intervalMs: number;
  /** The stream sends every change above this revision; undefined: the last few. */
  readonly afterRevision: number | undefined;
}

export const watchOptions = [
  { flags: "--interval <ms>", about: `between messages, 100 to 60000 (default ${defaultIntervalMs})` },
  { flags: "--after <revision>", about: "show every change above this revision (default: the last 20)" },
] as const;

export function watchedBy(input: Input): Watched {
  return {
    campaignId: input.campaignId,
    intervalMs: input.wholeNumber("--interval", 100, 60_000) ?? defaultIntervalMs,
    afterRevision: input.wholeNumber("--after", 0, revisionMax),
  };
}
