import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { repositoryDir } from "../local/repository.ts";

/** What a program of Node took until it ended. */
export type Told = {
  readonly processorSeconds: number;
  readonly peakMemoryMb: number;
  readonly stdout: string;
};

const TELL = join(repositoryDir, "bench", "tell-usage.cjs");

/** Runs a program of Node to its end. @throws where it ends with another exit code than 0 */
export async function runTold(
  args: readonly string[],
  added: Readonly<Record<string, string>>,
): Promise<Told> {
  const env = { ...process.env, ...added, XDG_CONFIG_HOME: "/nonexistent" };
  const child = spawn(process.execPath, ["--require", TELL, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const [, output, errors, usage] = child.stdio;
  const [stdout, said, told] = await Promise.all([
    ...[output, errors, usage].map((stream) => text(stream as never)),
    once(child, "close").then(() => ""),
  ]);
  if (child.exitCode !== 0) throw new Error(`${args.join(" ")} ended with ${child.exitCode}: ${said}`);
  const [processorSeconds, peakMemoryMb] = String(told).split(" ").map(Number);
  return { processorSeconds: processorSeconds ?? 0, peakMemoryMb: peakMemoryMb ?? 0, stdout: String(stdout) };
}
