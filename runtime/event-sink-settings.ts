import { networkTrouble } from "./networks.ts";
import { checked, milliseconds } from "./setting-kinds.ts";

/** The setting of where events may go beside public addresses; `events/sinks` uses it. */

/** This machine, under a name that says so. */
export const LOOPBACK_TARGETS = "loopback";
/** Public addresses alone. */
const NONE = "none";
const ENTRIES_MAX = 100;
const HOST_NAME = /^(?=.{1,253}$)(?=.*[a-z])[a-z\d_]([a-z\d_-]*[a-z\d])?(\.[a-z\d_]([a-z\d_-]*[a-z\d])?)*$/;
const RULE = `must be ${LOOPBACK_TARGETS}, addresses, networks (10.0.0.0/8, fd00::/8) and names of hosts, at most ${ENTRIES_MAX}, with commas or blanks between them, or ${NONE} alone`;

export const eventSinkSettings = {
  EVENT_SINKS_ALLOW: checked(targetsTrouble).transform(targetsIn).default([LOOPBACK_TARGETS]),
  EVENT_SINKS_DEADLINE_MS: milliseconds(100, 60_000).default(10_000),
};

function wordsIn(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== "");
}

function targetsIn(text: string): string[] {
  return wordsIn(text).filter((word) => word !== NONE);
}

function targetsTrouble(text: string): string | undefined {
  const words = wordsIn(text);
  if (words.length === 0 || words.length > ENTRIES_MAX) return RULE;
  if (words.includes(NONE)) return words.length === 1 ? undefined : RULE;
  for (const word of words) {
    if (word === LOOPBACK_TARGETS) continue;
    const trouble = networkTrouble(word);
    if (trouble === "mapped") return "must have an IPv4 address as it is, not within ::ffff:";
    if (trouble === "all")
      return "must not have a network with the prefix /0: every address would be allowed";
    if (trouble === "shape" && !HOST_NAME.test(word)) return RULE;
  }
  return undefined;
}
