import { tokenOf } from "../../../support/raw-redis.ts";
import { type Sale, USER_PREFIX } from "../sale.ts";

/** How long the chosen moment may take to come, on a busy machine. */
export const MOMENT_MS = 30_000;

export function part(sale: Sale, fraction: number): Promise<void> {
  return sale.untilIssued(Math.floor(sale.plan.total * fraction));
}

/** Proves that some caller got no definite answer. */
export function proveUnknown(sale: Sale): void {
  sale.prove("unknown", sale.unknown());
}

/** Proves that some caller got no definite answer, or was refused because a store did not answer. */
export function proveUnknownOrHeldBack(sale: Sale): void {
  sale.prove("unknown_or_held_back", sale.unknown() + sale.refused("OVERLOADED"));
}

/** Proves that servers repeated inserts by themselves. */
export async function proveRepeated(sale: Sale): Promise<void> {
  sale.prove("inserts_repeated", await sale.metric("coupon_inserts_repeated_total"));
}

/** Proves that inserts did not succeed at once: servers repeated them, or callers noticed. */
export async function proveRepeatedOrUnknown(sale: Sale): Promise<void> {
  const repeated = await sale.metric("coupon_inserts_repeated_total");
  sale.prove("repeated_or_unknown", repeated + sale.unknown() + sale.refused("OVERLOADED"));
}

/** Proves that the pool was rebuilt from MongoDB. */
export async function proveRebuilt(sale: Sale): Promise<void> {
  sale.prove("rebuilds", (await sale.recorded()).generation - 1);
}

export async function proveUnknownAndRebuilt(sale: Sale): Promise<void> {
  proveUnknownOrHeldBack(sale);
  await proveRebuilt(sale);
}

/**
 * Asks as new callers until the pool is made for the Redis that has it now: of a campaign that is sold out
 * meanwhile nobody else may ask, and claims of before stay in the ledger until somebody does.
 */
export async function askUntilMadeHere(sale: Sale): Promise<void> {
  let late = 0;
  await sale.untilTrue("the pool is made for this Redis", async () => {
    const { raw } = sale.ground;
    const [made, here] = await Promise.all([raw.hGet(sale.keys.meta, "token"), tokenOf(raw)]).catch(() => []);
    if (made !== undefined && made === here) return true;
    late += 1;
    await sale.ask(`${USER_PREFIX}late-${late}`);
    await sale.ground.follow();
    return false;
  });
}

export async function proveSwept(sale: Sale): Promise<void> {
  sale.prove("swept", await sale.metric("coupon_swept_total"));
}

/** A number from one section of Redis's INFO; 0 when it is not there. */
export async function redisInfo(sale: Sale, section: string, pattern: RegExp): Promise<number> {
  const text = String(await sale.ground.raw.sendCommand(["INFO", section]));
  return Number(pattern.exec(text)?.[1] ?? 0);
}

/** The claim keys that have a coupon, in the order in which they first got it. */
export function winnersOf(sale: Sale): string[] {
  const issued = sale.history.filter(({ outcome }) => outcome.kind === "issued");
  return [...new Set(issued.map(({ claimKey }) => claimKey))];
}
