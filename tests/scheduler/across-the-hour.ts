import { join } from "node:path";
import { startService } from "../../local/service-process.ts";
import { faketimeLibrary } from "../../setup/faketime.mjs";
import { writeClock } from "../harness/chaos/ground/ground.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

/** The instant at which clocks in New York go from 01:59:59 back to 01:00:00. */
const INSTANT = "2026-11-01T06:00:00.000Z";
const SECONDS_BEFORE = 8;
/** How long before the instant the clock is while the process loads. */
const LONG_BEFORE_SECONDS = 3_600;
const TRIES = 10;
const DEADLINE_MS = 60_000;

/** Whether a process with TZ=America/New_York ticks before and after its clocks go back. */
export async function acrossTheHour(zone: "own" | "utc"): Promise<{ before: boolean; after: boolean }> {
  const library = faketimeLibrary();
  if (library === undefined)
    throw new Error("libfaketime is not installed: `npm test` does, or apt-get install faketime");
  const dir = temporaryDir();
  const clock = join(dir.path, "clock");
  const setClock = (secondsBefore: number) =>
    writeClock(clock, Math.round((Date.parse(INSTANT) - Date.now()) / 1_000) - secondsBefore);
  await setClock(LONG_BEFORE_SECONDS);
  const child = startService({
    entry: "tests/scheduler/fixtures/ticking.ts",
    args: [zone, INSTANT],
    env: {
      TZ: "America/New_York",
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
  });
  try {
    await child.waitForLine((line) => line === "loaded", DEADLINE_MS);
    for (let missed = 0; missed < TRIES; missed += 1) {
      await setClock(SECONDS_BEFORE);
      const seen = missed;
      const line = await child.waitForLine(
        (said) =>
          said.startsWith("ticked ") ||
          (said === "missed" && child.lines.filter((one) => one === "missed").length > seen),
        DEADLINE_MS,
      );
      const [, before, after] = /^ticked (\d+) (\d+)$/.exec(line) ?? [];
      if (before !== undefined) return { before: Number(before) > 1, after: Number(after) > 0 };
    }
    throw new Error(`the instant passed before the tick began, ${TRIES} times`);
  } finally {
    await child.kill();
    dir.remove();
  }
}
