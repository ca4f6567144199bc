import type { Sale } from "../sale.ts";

/** Takes a store down behind its proxies, does what is to be done meanwhile, and starts it again. */
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
  sale.faultOver();
}

/** Stops a store without ending it, for so long. How many requests were waiting when it went on. */
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
