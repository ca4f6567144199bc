import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { builtProduct } from "../../local/built.ts";
import { OPERATOR_TOKEN } from "./operator-token.ts";

/** The launcher in this clone, which runs the sources. */
export const launcher = fileURLToPath(new URL("../../cli/coupon.mjs", import.meta.url));

/** The built command as in an installed package: a link called coupon in a folder that is on the PATH. */
async function installedCommand(): Promise<string> {
  const built = await builtProduct();
  const link = join(built, "bin", "coupon");
  if (!existsSync(link)) {
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join("..", "cli", "coupon.mjs"), link);
  }
  return link;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves once standard output and standard error together match. */
  until(pattern: RegExp): Promise<void>;
}

export interface Surroundings {
  readonly url?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly launcher?: string;
  readonly cwd?: string;
  /** The largest file that the command may write, in blocks of 512 bytes. */
  readonly fileBlocksMax?: number;
}

/** A fixed time zone for the command, on any machine. */
export const ZONE = "Asia/Seoul";

/** The environment of the command, without its PATH. */
export function environment(surroundings: Pick<Surroundings, "url" | "env">): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(COUPON_|NO_COLOR|TSX_)/.test(name));
  return {
    ...Object.fromEntries(inherited),
    TZ: ZONE,
    // Not the config file, and not the services' keys, of the person who runs the tests.
    XDG_CONFIG_HOME: "/nonexistent",
    XDG_STATE_HOME: "/nonexistent",
    ...(surroundings.url === undefined ? {} : { COUPON_URL: surroundings.url, COUPON_TOKEN: OPERATOR_TOKEN }),
    ...surroundings.env,
  };
}

/**
 * Starts the real command as a process, in the time zone of Seoul; the built one unless another launcher is
 * given.
 */
export async function startCli(args: readonly string[], surroundings: Surroundings = {}): Promise<Running> {
  const command = surroundings.launcher ?? (await installedCommand());
  const env = {
    ...environment(surroundings),
    PATH: [dirname(command), process.env["PATH"]].join(delimiter),
  };
  const options = { env, ...(surroundings.cwd === undefined ? {} : { cwd: surroundings.cwd }) };
  const { fileBlocksMax } = surroundings;
  const limits =
    fileBlocksMax === undefined ? [] : ["sh", "-c", `ulimit -f ${fileBlocksMax}; exec "$@"`, "sh"];
  const [program = "", ...rest] = [...limits, process.execPath, command, ...args];
  const child = spawn(program, rest, options);
  let stdout = "";
  let stderr = "";
  const waiting = new Set<() => void>();
  const look = (): void => {
    for (const check of waiting) check();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    look();
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  return {
    child,
    finished,
    until(pattern) {
      const seen = new Promise<void>((resolve) => {
        const check = (): void => {
          if (pattern.test(stdout + stderr)) resolve();
        };
        waiting.add(check);
        check();
      });
      const over = finished.then(() => {
        if (!pattern.test(stdout + stderr)) throw new Error(`ended without ${pattern}: ${stdout}${stderr}`);
      });
      return Promise.race([seen, over]);
    },
  };
}

export async function runCli(args: readonly string[], surroundings: Surroundings = {}): Promise<Finished> {
  return (await startCli(args, surroundings)).finished;
}

/** Parses one object a line, as --json writes them. */
export function readJsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Record<string, unknown> => JSON.parse(line));
}
