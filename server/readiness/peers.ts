import type { SeenServer } from "../../record/processes.ts";
import { isLoopback } from "../../runtime/loopback.ts";

/** What a server tells the others in its heartbeats while it is ready. */
export type Serving = NonNullable<SeenServer["serving"]>;

/** This process, as far as it matters for which others can take its place. */
export type Self = { readonly owner: string; readonly host: string; readonly serving: Serving };

/** A heartbeat that is older is of a process of which nothing is known any more. */
const FRESH_MS = 3_000;
/** How many pages one look asks. */
export const PEERS_ASKED_MAX = 5;
/** … and how many are remembered. */
const PAGES_KEPT_MAX = 50;

/** Whether one of these is a server that can take the place of `self`, and reaches both stores. */
export function reachesBoth(servers: readonly SeenServer[], self: Self): boolean {
  return servers.some(
    (one) => one.ageMs <= FRESH_MS && one.redisClock !== undefined && canTakeThePlaceOf(self, one),
  );
}

/**
 * The pages of the servers that can take the place of `self`, for the time when MongoDB cannot be asked; none
 * of its own, which workers share.
 */
export function pagesOf(servers: readonly SeenServer[], self: Self): string[] {
  const own = new Set(self.serving.pages);
  const others = servers.filter((one) => canTakeThePlaceOf(self, one));
  const pages = others.flatMap(({ host, serving }) =>
    (serving?.pages ?? []).filter((page) => !own.has(page) && isReachable(page, host === self.host)),
  );
  return [...new Set(pages)].slice(0, PAGES_KEPT_MAX);
}

function canTakeThePlaceOf(self: Self, { _id, serving }: SeenServer): boolean {
  return (
    _id !== self.owner &&
    serving !== undefined &&
    self.serving.parts.every((part) => serving.parts.includes(part))
  );
}

/** Loopback is of one machine alone. */
function isReachable(page: string, isSameHost: boolean): boolean {
  if (!URL.canParse(page)) return false;
  const { protocol, hostname } = new URL(page);
  return protocol === "http:" && (isSameHost || !isLoopback(hostname));
}

/**
 * Which pages the next look asks: first the one that told last that its server reaches both stores, then the
 * others in turn.
 */
export function nextAsked(pages: readonly string[], told: string | undefined, look: number): string[] {
  const others = pages.filter((page) => page !== told);
  const most = PEERS_ASKED_MAX - (told === undefined ? 0 : 1);
  const from = others.length === 0 ? 0 : (look * most) % others.length;
  const turn = [...others.slice(from), ...others.slice(0, from)].slice(0, most);
  return told === undefined ? turn : [told, ...turn];
}
