import type { Sale } from "../sale.ts";

/** Stops a store behind its proxies, runs `meanwhile`, and starts the store again. */
export async function whileDown(
  sale: Sale,
  kind: "redis" | "mongodb",
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  const { ground } = sale;
  await ground[kind].kill();
  for (const server of ground.servers) server[kind].refuse(true);
  await meanwhile();
  await ground[kind].start();
  for (const server of ground.servers) server[kind].refuse(false);
  await ground.follow();
  sale.faultOver();
}

/** Suspends a store while `meanwhile` runs, which must take at least a second. */
export async function whilePaused(
  sale: Sale,
  kind: "redis" | "mongodb",
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  const store = sale.ground[kind];
  const pausedAtMs = Date.now();
  store.pause();
  await meanwhile();
  store.resume();
  const resumedAtMs = Date.now();
  sale.faultOver();
  sale.prove("paused_ms", resumedAtMs - pausedAtMs, 1_000);
}
