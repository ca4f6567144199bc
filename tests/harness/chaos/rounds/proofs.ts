import type { Sale } from "../sale.ts";

/** How long a chosen moment may take to come, on a machine that is busy with other work. */
export const MOMENT_MS = 30_000;

export function part(sale: Sale, fraction: number): Promise<void> {
  return sale.untilIssued(Math.floor(sale.plan.total * fraction));
}

/** Somebody was left without knowing. */
export function proveUnknown(sale: Sale): void {
  sale.prove("unknown", sale.unknown());
}

/** Somebody was left without knowing, or was refused because the store is known to be away. */
export function proveUnknownOrHeldBack(sale: Sale): void {
  sale.prove("unknown_or_held_back", sale.unknown() + sale.refused("OVERLOADED"));
}

/** The pool was made again from MongoDB. */
export async function proveRebuilt(sale: Sale): Promise<void> {
  sale.prove("rebuilds", (await sale.recorded()).generation - 1);
}

export async function proveSwept(sale: Sale): Promise<void> {
  sale.prove("swept", await sale.metric("coupon_swept_total"));
}

/** A number out of one section of Redis's INFO; 0 when it is not there. */
export async function redisInfo(sale: Sale, section: string, pattern: RegExp): Promise<number> {
  const text = String(await sale.ground.raw.sendCommand(["INFO", section]));
  return Number(pattern.exec(text)?.[1] ?? 0);
}
