import { execFile } from "node:child_process";
import { join } from "node:path";
import { builtProduct } from "../../local/built.ts";
import { inheritedEnvironment } from "../../local/child.ts";
import { repositoryDir } from "../../local/repository.ts";
import { HANG_MS } from "./patience.ts";

export type End = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/**
 * Runs the service with settings that make it end, as a person may give them; the log is silent unless `env`
 * changes its level. `entry`: another program of the repository, run from its source.
 */
export async function runToEnd(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  entry?: string,
): Promise<End> {
  // The built product starts in a fraction of the processor time that the sources need.
  const program =
    entry === undefined ? [join(await builtProduct(), "server", "main.js")] : ["--import", "tsx", entry];
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...program, ...args],
      {
        cwd: repositoryDir,
        env: { ...inheritedEnvironment(), LOG_LEVEL: "silent", ...env },
        timeout: HANG_MS,
        killSignal: "SIGKILL",
      },
      (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
