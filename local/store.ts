export type StoreKind = "redis" | "mongodb";

/** How we came by it: its URL was given, another process of ours runs it, or we started the program. */
export type StoreOrigin = "given" | "joined" | "redis-server" | "mongod" | "embedded";

export interface Store {
  readonly kind: StoreKind;
  readonly origin: StoreOrigin;
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Undefined while it is down, and for a store that was given. */
  readonly pid: number | undefined;
  /** Only an owned store can be killed, paused, stopped or started from here. */
  readonly owned: boolean;
  /** Its data folder; undefined when it was given. */
  readonly dir: string | undefined;
  readonly logFile: string | undefined;
  /** Whether its process lives (a paused one does). For a store not owned: not known to be gone. */
  readonly isRunning: boolean;
  /** Resolves when it answers; rejects when it ended or the deadline passed. */
  waitReady(deadlineMs?: number): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: alive, its port open, and silent. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGTERM and wait; SIGKILL after the deadline. Does nothing when it is down or not owned. */
  stop(deadlineMs?: number): Promise<void>;
  /** Starts it again on the same port and data folder; resolves when it answers. */
  start(): Promise<void>;
  /** stop, then start. */
  restart(): Promise<void>;
}

/** Trouble with the local stack that its user can do something about: printed without a stack trace. */
export class LocalStackError extends Error {
  override readonly name = "LocalStackError";
}
