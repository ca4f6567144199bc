import { setTimeout as delay } from "node:timers/promises";
import { type FileLock, takeFileLock } from "../file-lock.ts";
import { UserError } from "../user-error.ts";

const retryMs = 100;
/** Longer than a command that renews a login waits for the provider. */
const waitMs = 30_000;

/**
 * The lock of a login: one command at a time renews, replaces or removes it. Waits, since the other one is
 * done soon. @throws UserError where it is not
 */
export async function lockLogin(path: string): Promise<FileLock> {
  const endMs = performance.now() + waitMs;
  for (;;) {
    try {
      return await takeFileLock(`${path}.lock`, "this login");
    } catch (error) {
      if (!(error instanceof UserError) || performance.now() >= endMs) throw error;
      await delay(retryMs);
    }
  }
}
