import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { exchange } from "../../local/exchange.ts";
import { freePort } from "../../local/free-port.ts";
import { until } from "../../local/poll.ts";
import { temporaryDir } from "./temporary-dir.ts";

const STARTS_WITHIN_MS = 30_000;

/** Starts a real Sentinel; the master that it watches does not exist. */
export async function startSentinel(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const dir = temporaryDir();
  const port = await freePort();
  const file = join(dir.path, "sentinel.conf");
  writeFileSync(file, `port ${port}\nbind 127.0.0.1\ndir ${dir.path}\nsentinel monitor m 127.0.0.1 1 2\n`);
  const child = spawn("redis-server", [file, "--sentinel"], { stdio: "ignore" });
  const ended = once(child, "exit");
  const answers = async () => {
    const reply = await exchange("127.0.0.1", port, Buffer.from("PING\r\n"), () => true);
    return reply?.includes("PONG") === true;
  };
  if (!(await until(answers, STARTS_WITHIN_MS, 20))) throw new Error("the Sentinel does not answer");
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      child.kill();
      await ended;
      dir.remove();
    },
  };
}
