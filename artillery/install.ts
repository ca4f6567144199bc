import { spawn } from "node:child_process";
import { join } from "node:path";
import { Trouble } from "../bench/trouble.ts";
import { exitNumber, exitOf } from "../local/child.ts";
import { repositoryDir } from "../local/repository.ts";

/**
 * Installs artillery, unless it is installed. It is large, so only a load that really runs fetches it. Set-up
 * reports its steps on standard error.
 */
export async function installArtillery(): Promise<void> {
  const setup = join(repositoryDir, "setup", "setup.mjs");
  const args = [setup, "--quiet", "--modules-only", "--artillery"];
  const child = spawn(process.execPath, args, {
    cwd: repositoryDir,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const code = exitNumber(await exitOf(child));
  if (code !== 0) throw new Trouble("artillery could not be installed: see above");
}
