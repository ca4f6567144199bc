/**
 * One of several server processes of a group, forked by `server/workers/workers.ts`, with its settings in the
 * environment. Its arguments: its number, and the hash of the operators' key where the primary made one.
 */
import { readConfig } from "../runtime/config.ts";
import { redactCrashes } from "../runtime/crash.ts";
import { createLifecycle, exitOnSignals } from "../runtime/lifecycle.ts";
import { redactorOf } from "../runtime/redactor.ts";
import { withSecretFiles } from "../runtime/secret-files.ts";
import { runInUtc } from "../runtime/time-zone.ts";
import { EXIT, UserError } from "../runtime/user-error.ts";
import { createReportingLogger } from "./error-reports.ts";
import { startRoles } from "./roles.ts";
import type { StartTrouble } from "./workers/messages.ts";
import { createPrimaryLink, tellPrimary } from "./workers/primary-link.ts";

async function runWorker(number: number, localKeySha256: string | undefined): Promise<void> {
  runInUtc();
  const settings = withSecretFiles(process.env);
  const redact = redactorOf(settings);
  redactCrashes(redact);
  const config = readConfig(settings);
  const { logger, flush } = await createReportingLogger(config, { worker: number, redact });
  const lifecycle = createLifecycle(logger, config.SHUTDOWN_DELAY_MS + config.DRAIN_DEADLINE_MS);
  lifecycle.onRelease("error reports", flush);
  const drain = exitOnSignals(lifecycle, logger);
  const link = createPrimaryLink({
    onEnd: (ending) => drain("asked by the primary", ending),
    onAlone() {
      logger.fatal("the primary process is gone: this worker ends too");
      // The supervisor starts the service again, and the new process needs the ports.
      drain("the primary is gone", { hurried: true });
    },
  });
  try {
    const addresses = await startRoles(config, logger, lifecycle, {
      worker: number,
      metricsPage: link.metricsPage,
      localKeySha256,
    });
    await tellPrimary({ kind: "ready", addresses });
  } catch (error) {
    await lifecycle.release();
    throw error;
  }
}

/** Sends the trouble to the primary, which reports it once for all workers, and exits. */
async function endFailed(trouble: StartTrouble): Promise<void> {
  await tellPrimary({ kind: "failed", trouble });
  process.exit(trouble.exitCode);
}

function troubleOf(error: unknown): StartTrouble {
  if (error instanceof UserError) return { known: true, told: error.message, exitCode: error.exitCode };
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { known: false, told, exitCode: EXIT.bug };
}

await runWorker(Number(process.argv[2]), process.argv[3]).catch((error) => endFailed(troubleOf(error)));
