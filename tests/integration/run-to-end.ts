import { execFile } from "node:child_process";
import { inheritedEnvironment } from "../../local/child.ts";
import { repositoryDir } from "../../local/repository.ts";
import { HANG_MS } from "../setup/patience.ts";

export type End = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Runs the service as a person would who gets its settings wrong, to the end that this has; logs only what it must. */
export function runToEnd(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  entry = "server/main.ts",
): Promise<End> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ["--import", "tsx", entry, ...args],
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
