import { isTroubled } from "../../../../operator/process-trouble.ts";
import type { WatchedProcess } from "../../../../proto/gen/coupon/v1/watch_pb.ts";
import type { PlainKey } from "../../i18n/words.ts";

/** "host/4711#2": machine, process number, and the slot of a worker. */
export function nameOf({ host, pid, worker }: WatchedProcess): string {
  return `${host}/${pid}${worker === undefined ? "" : `#${worker}`}`;
}

/** Those in trouble first, else in the order of the service: the earliest started first. */
export function inOrderOfTrouble(processes: readonly WatchedProcess[]): WatchedProcess[] {
  return [...processes].sort((a, b) => Number(isTroubled(b)) - Number(isTroubled(a)));
}

/** Whether they run different versions of the product. */
export function isMixed(processes: readonly WatchedProcess[]): boolean {
  return new Set(processes.map(({ version }) => version)).size > 1;
}

const ROLES = new Map<string, PlainKey>([
  ["server", "process.role.server"],
  ["scheduler", "process.role.scheduler"],
  ["generator", "process.role.generator"],
  ["events", "process.role.events"],
]);

/** The key of a role's text; undefined: a newer service has it, and this page shows its name. */
export function roleKey(role: string): PlainKey | undefined {
  return ROLES.get(role);
}
