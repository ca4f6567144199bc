import type { OptionSpec } from "./command.ts";

/** Options that several verbs take, with the same meaning. */

export const actorOption: OptionSpec = {
  flags: "--actor <text>",
  about:
    "who does it; the history records it beside a shared token's name only (env COUPON_ACTOR, default user@host)",
};

const tellsOnly = "show exactly what would be sent, and send nothing";

/** For verbs without a check by the service; used in cli/dry-run.ts. */
export const dryRunOption: OptionSpec = {
  flags: "--dry-run <client>",
  about: `${tellsOnly}; client may be left out`,
};

/** Used in cli/confirm.ts. */
export const yesOption: OptionSpec = {
  flags: "--yes",
  about: "do not ask; needed where there is no terminal, as in a script",
};

/** For verbs that change a campaign: cli/change.ts. */
export const changeOptions: readonly OptionSpec[] = [
  actorOption,
  { flags: "--request-id <id>", about: "idempotency key; one is made if none is given" },
  {
    flags: "--dry-run <client|server>",
    about: `client, or nothing: ${tellsOnly}; server: ask the service what would come of it, and change nothing`,
  },
  { flags: "--check", about: "as --dry-run=server, which it was called", hidden: true },
];

/** For verbs that change a campaign and ask the operator first. */
export const finalChangeOptions: readonly OptionSpec[] = [...changeOptions, yesOption];

export const metaOption: OptionSpec = {
  flags: "--meta <key=value>",
  about: "a note for yourselves and your systems; may be given several times",
  repeats: true,
};
