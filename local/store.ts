export type StoreKind = "redis" | "mongodb";

/** Where the store comes from: a given URL, another local stack that runs it, or a program started here. */
export type StoreOrigin = "given" | "joined" | "redis-server" | "mongod" | "embedded";

export interface Store {
  readonly kind: StoreKind;
  readonly origin: StoreOrigin;
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** undefined: the store is down, or its URL was given. */
  readonly pid: number | undefined;
  /** Those of its processes that run, where it is a group of several. */
  readonly pids?: readonly number[];
  /** Only an owned store can be killed, paused, stopped or started from here. */
  readonly owned: boolean;
  /** Its data folder; undefined: its URL was given. */
  readonly dir: string | undefined;
  readonly logFile: string | undefined;
  /** Whether its process runs or is paused. Always true for a store that is not owned. */
  readonly isRunning: boolean;
  /** Resolves when it answers; rejects when it ended or the deadline passed. */
  waitReady(deadlineMs?: number): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: the process stays, its port stays open, and it does not answer. */
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

/** An error of the local stack that its user can correct: printed without a stack trace. */
export class LocalStackError extends Error {
  override readonly name = "LocalStackError";
}
