import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exitOf, inheritedEnvironment, killChild, spawnKept } from "../../local/child.ts";
import { repositoryDir } from "../../local/repository.ts";
import { limitedSignal } from "../../runtime/limited-signal.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import { Trouble } from "../trouble.ts";

/**
 * The result of a `coupon` command. Instants in ms since the Unix epoch: before it was started and after it
 * had ended.
 */
export type Told = {
  readonly verb: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
};

/** `env`: what the command needs beside the settings of all. */
type RunOptions = { readonly asText?: boolean; readonly env?: Readonly<Record<string, string>> };

export type Coupon = {
  /** Runs a command to its end, at the two servers in turn. */
  (args: readonly string[], options?: RunOptions): Promise<Told>;
  /** The verbs that were run. */
  readonly verbs: ReadonlySet<string>;
};

const LAUNCHER = fileURLToPath(new URL("../../cli/coupon.mjs", import.meta.url));
/** Long enough for the command that runs a whole rehearsal. */
const DEADLINE_MS = 180_000;

/**
 * The command line as a script would use it: no terminal, `--json` unless `asText` is set, the servers from a
 * config file in `dir`, one profile for each.
 */
export function createCoupon(urls: readonly string[], dir: string, signal: AbortSignal): Coupon {
  const verbs = new Set<string>();
  let turn = 0;
  const config = join(dir, "coupon.json");
  const profiles = Object.fromEntries(urls.map((url, index) => [`server-${index + 1}`, { url }]));
  writeFileSync(config, JSON.stringify({ profile: "server-1", profiles }));

  async function coupon(
    args: readonly string[],
    { asText = false, env = {} }: RunOptions = {},
  ): Promise<Told> {
    const verb = args[0] ?? "";
    verbs.add(verb);
    turn += 1;
    const startedAtMs = Date.now();
    const child = spawnKept(process.execPath, [LAUNCHER, ...(asText ? [] : ["--json"]), ...args], {
      cwd: repositoryDir,
      env: {
        ...inheritedEnvironment(),
        COUPON_CONFIG: config,
        COUPON_PROFILE: `server-${(turn % urls.length) + 1}`,
        COUPON_TOKEN: OPERATOR_TOKEN,
        COUPON_ACTOR: "scenario",
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const limit = limitedSignal(DEADLINE_MS, signal);
    const onLate = () => void killChild(child);
    limit.signal.addEventListener("abort", onLate, { once: true });
    try {
      const [stdout, stderr, exit] = await Promise.all([
        textOf(child.stdout),
        textOf(child.stderr),
        exitOf(child),
      ]);
      signal.throwIfAborted();
      if (exit.code === null) throw new Trouble(`coupon ${args.join(" ")} did not end: ${exit.signal}`);
      return { verb, exitCode: exit.code, stdout, stderr, startedAtMs, endedAtMs: Date.now() };
    } finally {
      limit.clear();
    }
  }
  return Object.assign(coupon, { verbs });
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream ?? []) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}
