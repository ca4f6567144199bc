import { existsSync, writeFileSync } from "node:fs";
import { until } from "../../local/poll.ts";

/** Linux has no lower priority. */
const NICENESS_MAX = 19;
/** The kernel takes one change in 100 ms from all that are not root. */
const TAKEN_WITHIN_MS = 5_000;

/** Put before a command: all of its threads yield to other processes; setpriority(2) changes one alone. */
export const YIELDING = ["nice", "-n", String(NICENESS_MAX)] as const;

/**
 * Has the session of a process yield to other sessions. Where the kernel groups processes by session, `nice`
 * counts only within one, and each child of `spawnKept` has a session of its own. Source: sched(7), The
 * autogroup feature.
 * @throws where the kernel does not take it
 */
export async function yieldSession(pid: number): Promise<void> {
  const file = `/proc/${pid}/autogroup`;
  if (!existsSync(file)) return;
  const isTaken = () => {
    try {
      writeFileSync(file, String(NICENESS_MAX));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
      throw error;
    }
  };
  if (!(await until(isTaken, TAKEN_WITHIN_MS))) throw new Error(`the kernel refuses to change ${file}`);
}
