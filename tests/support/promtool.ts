import { execFile } from "node:child_process";

/** What `promtool` says to these arguments, and whether it ended well. */
export function promtool(args: readonly string[], input = ""): Promise<{ ok: boolean; told: string }> {
  return new Promise((resolve) => {
    const child = execFile("promtool", args, (error, stdout, stderr) => {
      resolve({ ok: error === null, told: `${stdout}${stderr}` });
    });
    child.stdin?.end(input);
  });
}
