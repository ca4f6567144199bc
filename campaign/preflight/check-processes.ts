import type { SeenProcess } from "../../record/processes.ts";
import type { Facts } from "./facts.ts";
import { amber, duration, green, type Judged, red } from "./line.ts";

/** A process whose last heartbeat is older than this counts as gone. Each process writes one a second. */
export const SILENT_AFTER_MS = 5_000;
const LATE_TICK_MS = 5_000;
const CLOCK_AMBER_MS = 50;
const CLOCK_RED_MS = 1_000;
/** The most processes that a line names. */
const NAMED_MAX = 6;
/** The advice where MongoDB did not tell something. */
export const ASK_MONGODB = "see that MongoDB answers and look again";

const withRole = (processes: readonly SeenProcess[], role: string) =>
  processes.filter(({ roles }) => roles.includes(role));

export function alive(processes: readonly SeenProcess[], role: string): SeenProcess[] {
  return withRole(processes, role).filter(({ ageMs }) => ageMs < SILENT_AFTER_MS);
}

export function nameOf({ host, pid, worker }: SeenProcess): string {
  return `${host}/${pid}${worker === undefined ? "" : `#${worker}`}`;
}

function named(processes: readonly string[]): string {
  const more = processes.length - NAMED_MAX;
  return `${processes.slice(0, NAMED_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/**
 * Processes whose heartbeat stopped within the last minute without deregistering: killed, or cut off from
 * MongoDB.
 */
function lost(processes: readonly SeenProcess[], role: string): Judged | undefined {
  const silent = withRole(processes, role).filter(({ ageMs }) => ageMs >= SILENT_AFTER_MS);
  if (silent.length === 0) return undefined;
  const told = silent.map((one) => `${nameOf(one)} for ${duration(one.ageMs)}`);
  return amber(`silent and not deregistered: ${named(told)}`, "see what became of it, and start it again");
}

/**
 * How many groups of servers can fail separately. The workers of one primary process end with it; workers of
 * a version that does not report its primary count as one group for each host.
 */
function apart(processes: readonly SeenProcess[]): number {
  const groups = processes.map(({ _id, host, worker, primary }) =>
    worker === undefined ? _id : `${host}/${primary ?? ""}`,
  );
  return new Set(groups).size;
}

/** Processes of a version that leaves this campaign alone, because a newer one has made it. */
function tooOld(processes: readonly SeenProcess[], { campaign }: Facts): Judged | undefined {
  const blind = processes.filter(({ shape = 1 }) => shape < campaign.shape);
  if (blind.length === 0) return undefined;
  const told = blind.map((one) => `${nameOf(one)} of ${one.version}`);
  return red(
    `too old for this campaign, which they leave alone: ${named(told)}`,
    "finish the roll-out before the start",
  );
}

export function checkServers(facts: Facts): Judged {
  const { processes } = facts;
  if (!processes.ok) return red(`the heartbeats cannot be read: ${processes.why}`, ASK_MONGODB);
  const servers = alive(processes.value, "server");
  const told = `${servers.length} alive: ${named(servers.map(nameOf))}`;
  if (servers.length === 0) return red("no server sends heartbeats", "start a process with the server role");
  const blind = tooOld(servers, facts);
  if (blind !== undefined) return { ...blind, finding: `${told}; ${blind.finding}` };
  const silent = lost(processes.value, "server");
  if (silent !== undefined) return { ...silent, finding: `${told}; ${silent.finding}` };
  const versions = [...new Set(servers.map(({ version }) => version))].sort();
  if (versions.length > 1) {
    const by = (wanted: string) => servers.filter(({ version }) => version === wanted).map(nameOf);
    return amber(
      `of different versions: ${versions.map((one) => `${one}: ${named(by(one))}`).join("; ")}`,
      "finish the roll-out before the start",
    );
  }
  if (servers.length === 1)
    return amber(
      `${told}, and only that one`,
      "start a second one: if this one fails, callers wait until it is back",
    );
  if (apart(servers) === 1)
    return amber(
      `${told}, workers of one process`,
      "start a second process, best on another machine: if this one fails, all of them do",
    );
  return green(told);
}

export function checkSchedulers({ processes }: Facts): Judged {
  if (!processes.ok) return red(`the heartbeats cannot be read: ${processes.why}`, ASK_MONGODB);
  const schedulers = alive(processes.value, "scheduler");
  const bySelf = "it opens all the same, on the first claim after the start";
  const ticks = schedulers.map((one) => {
    const last =
      one.tickAgeMs === undefined ? "no tick yet" : `last tick ${duration(Math.max(0, one.tickAgeMs))} ago`;
    return `${nameOf(one)}, ${last}`;
  });
  const told = `${schedulers.length} alive: ${named(ticks)}`;
  if (schedulers.length === 0)
    return amber(
      `no scheduler sends heartbeats: ${bySelf}, but no scheduler repairs the pool before`,
      "start a process with the scheduler role",
    );
  const late = schedulers.filter(({ tickAgeMs = Number.POSITIVE_INFINITY }) => tickAgeMs > LATE_TICK_MS);
  if (late.length > 0) return amber(`${told}; ${late.length} late`, `read its log; ${bySelf}`);
  const silent = lost(processes.value, "scheduler");
  if (silent !== undefined) return { ...silent, finding: `${told}; ${silent.finding}` };
  if (schedulers.length === 1)
    return amber(`${told}, and only that one`, `start a second one; without any, ${bySelf}`);
  return green(told);
}

type Offset = { readonly name: string; readonly offsetMs: number; readonly uncertaintyMs: number };

/**
 * Red: a clock is certainly off by more than its limit. Amber: it may be off, because the measurement is
 * uncertain by half of a round trip. A server whose clock is behind opens later for its callers; one whose
 * clock is ahead opens nothing early, because the clock of Redis must have reached the start too.
 */
export function checkClocks({ processes, ownClock }: Facts): Judged {
  if (!processes.ok) return red(`the clocks cannot be read: ${processes.why}`, ASK_MONGODB);
  const concerned = processes.value.filter(
    ({ ageMs, roles }) =>
      ageMs < SILENT_AFTER_MS && (roles.includes("server") || roles.includes("scheduler")),
  );
  const offsets: Offset[] = concerned.flatMap((one) =>
    one.redisClock === undefined ? [] : [{ name: nameOf(one), ...one.redisClock }],
  );
  if (ownClock.ok) offsets.push({ name: "this process", ...ownClock.value });
  const unmeasured = concerned.filter(({ redisClock }) => redisClock === undefined).map(nameOf);
  if (!ownClock.ok) unmeasured.push("this process");
  const least = ({ offsetMs, uncertaintyMs }: Offset) => Math.abs(offsetMs) - uncertaintyMs;
  const most = ({ offsetMs, uncertaintyMs }: Offset) => Math.abs(offsetMs) + uncertaintyMs;
  offsets.sort((a, b) => most(b) - most(a));
  const measured = offsets.map(({ name, offsetMs, uncertaintyMs }) => {
    const sign = offsetMs < 0 ? "−" : "+";
    return `${name} ${sign}${Math.abs(offsetMs).toFixed(1)} ± ${uncertaintyMs.toFixed(1)} ms`;
  });
  const told = measured.length === 0 ? "" : `against Redis: ${named(measured)}`;
  const advice =
    "set that clock right (NTP): behind, its callers get in so much later; ahead, nothing opens early, but its countdown is wrong";
  if (offsets.some((offset) => least(offset) > CLOCK_RED_MS)) return red(told, advice);
  if (unmeasured.length > 0) {
    const rest = `not measured: ${named(unmeasured)}`;
    return amber(told === "" ? rest : `${told}; ${rest}`, "see that it reaches Redis and look again");
  }
  if (offsets.some((offset) => most(offset) > CLOCK_AMBER_MS)) return amber(told, advice);
  return green(told);
}
