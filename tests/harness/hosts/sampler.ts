import { type Sample, successesOf } from "./recovery.ts";
import type { ServerProcesses } from "./server-host.ts";

const EVERY_MS = 100;
/** A machine that is busy with other work, or a server that is being restarted, may take as long. */
const TIMEOUT_MS = 3_000;
const UNDER_WAY_MAX = 20;

/**
 * Reads a server's metrics again and again, from where no fault reaches. A reading does not wait for the one
 * before it, which a host without a link may never answer; one that is overtaken is left out.
 */
export function watchServer({ pages }: Pick<ServerProcesses, "pages">): {
  readonly samples: readonly Sample[];
  close(): void;
} {
  const samples: Sample[] = [];
  let asked = 0;
  let newest = 0;
  let underWay = 0;
  const read = async (turn: number) => {
    const page = await fetch(`${pages}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const successes = successesOf(await page.text());
    if (turn < newest) return;
    newest = turn;
    samples.push({ atMs: Date.now(), successes });
  };
  const timer = setInterval(() => {
    if (underWay === UNDER_WAY_MAX) return;
    underWay += 1;
    // Without an answer: it is being restarted, or its host has no link.
    void read(asked++)
      .catch(() => {})
      .finally(() => {
        underWay -= 1;
      });
  }, EVERY_MS);
  return { samples, close: () => clearInterval(timer) };
}
