import type { ChildProcess } from "node:child_process";
import { chmodSync, closeSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { appendPrivateFile } from "../runtime/private-file.ts";
import { endChild, hasExited, inheritedEnvironment, killChild, signalChild, spawnKept } from "./child.ts";
import { freePort, isPortFree } from "./free-port.ts";
import { makeFolder } from "./make-folder.mjs";
import { until } from "./poll.ts";
import { LocalStackError, type Store, type StoreKind, type StoreOrigin } from "./store.ts";
import { unusableFolder } from "./unusable-folder.ts";

const LOOPBACK = "127.0.0.1";
const READY_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 15_000;
const FREE_PORT_TRIES = 5;
const LAST_LOG_LINES = 6;

/** Where a store runs; default: on this machine's loopback address. */
export interface StorePlace {
  /** The address on which it listens. */
  readonly host: string;
  /** The command that starts it there, put before its own, and that becomes it: `ip netns exec NAME`. */
  readonly through: readonly string[];
}

export interface StoreRecipe {
  readonly kind: StoreKind;
  readonly origin: StoreOrigin;
  readonly dir: string;
  readonly logFile: string;
  readonly place?: StorePlace | undefined;
  /** The advice to the user when the port is taken. */
  readonly portAdvice: string;
  readonly urlAt: (host: string, port: number) => string;
  readonly commandAt: (host: string, port: number) => readonly [command: string, ...args: string[]];
  /** The pid of the process that answers at the port; undefined: none answers. */
  readonly answeringPid: (host: string, port: number) => Promise<number | undefined>;
}

/** Starts a store as a child process. Port 0: any free one; it stays the same over restarts. */
export async function startStoreProcess(recipe: StoreRecipe, port: number): Promise<Store> {
  for (const folder of [recipe.dir, dirname(recipe.logFile)]) {
    try {
      makeFolder(folder, 0o700);
      // An earlier version left the store's own folder open to other users.
      if (folder === recipe.dir) chmodSync(folder, 0o700);
    } catch (error) {
      throw unusableFolder(`the folder of ${recipe.kind}`, folder, error);
    }
  }
  if (port !== 0) {
    const store = new StoreProcess(recipe, port);
    await store.start();
    return store;
  }
  for (let attempt = 1; ; attempt += 1) {
    const chosen = await freePort();
    const store = new StoreProcess(recipe, chosen);
    try {
      await store.start();
      return store;
    } catch (error) {
      // Another process may have taken the port after `freePort` had found it free.
      if (attempt === FREE_PORT_TRIES || (await isPortFree(chosen))) throw error;
    }
  }
}

class StoreProcess implements Store {
  readonly kind: StoreKind;
  readonly origin: StoreOrigin;
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly owned = true;
  readonly dir: string;
  readonly logFile: string;
  readonly #recipe: StoreRecipe;
  #running: ChildProcess | undefined;

  constructor(recipe: StoreRecipe, port: number) {
    this.#recipe = recipe;
    this.kind = recipe.kind;
    this.origin = recipe.origin;
    this.dir = recipe.dir;
    this.logFile = recipe.logFile;
    this.host = recipe.place?.host ?? LOOPBACK;
    this.port = port;
    this.url = recipe.urlAt(this.host, port);
  }

  get isRunning(): boolean {
    return this.#running !== undefined && !hasExited(this.#running);
  }

  get pid(): number | undefined {
    return this.isRunning ? this.#running?.pid : undefined;
  }

  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`${this.kind} on port ${this.port} runs already`);
    if (this.host === LOOPBACK && !(await isPortFree(this.port))) {
      throw new LocalStackError(
        `Port ${this.port} on ${this.host} is already in use. ${this.#recipe.portAdvice}`,
      );
    }
    const logStart = sizeOf(this.logFile);
    const log = appendPrivateFile(this.logFile, { tighten: true });
    try {
      const own = this.#recipe.commandAt(this.host, this.port);
      const [command = own[0], ...args] = [...(this.#recipe.place?.through ?? []), ...own];
      const child = spawnKept(command, args, {
        cwd: this.dir,
        env: storeEnvironment(),
        stdio: ["ignore", log, log],
      });
      child.unref();
      this.#running = child;
    } finally {
      closeSync(log);
    }
    try {
      await this.waitReady(READY_DEADLINE_MS);
    } catch (error) {
      await this.kill();
      const lines = lastLines(this.logFile, logStart);
      const words = error instanceof Error ? error.message : String(error);
      throw new LocalStackError(
        `${words}${lines.length === 0 ? "" : `. It said:\n  ${lines.join("\n  ")}`}\n(log: ${this.logFile})`,
        { cause: error },
      );
    }
  }

  async waitReady(deadlineMs = READY_DEADLINE_MS): Promise<void> {
    const answered = await until(async () => {
      if (!this.isRunning)
        throw new LocalStackError(`${this.kind} (${this.origin}) on port ${this.port} ended`);
      return (await this.#recipe.answeringPid(this.host, this.port)) === this.pid;
    }, deadlineMs);
    if (!answered) {
      throw new LocalStackError(`${this.kind} on port ${this.port} did not answer within ${deadlineMs} ms`);
    }
  }

  async kill(): Promise<void> {
    if (this.#running !== undefined) await killChild(this.#running);
  }

  pause(): void {
    if (this.#running !== undefined) signalChild(this.#running, "SIGSTOP");
  }

  resume(): void {
    if (this.#running !== undefined) signalChild(this.#running, "SIGCONT");
  }

  async stop(deadlineMs = STOP_DEADLINE_MS): Promise<void> {
    if (this.#running !== undefined) await endChild(this.#running, deadlineMs);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}

/** Coverage is measured of the product, not of the engine's wrapper, which is killed on purpose. */
function storeEnvironment(): Record<string, string> {
  const { NODE_V8_COVERAGE: _, ...rest } = inheritedEnvironment();
  return rest;
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

function lastLines(file: string, fromByte: number): string[] {
  try {
    const text = readFileSync(file).subarray(fromByte).toString("utf8");
    return text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .slice(-LAST_LOG_LINES);
  } catch {
    return [];
  }
}
