/** The few reading commands that the audit needs, the same for a server and a cluster. */
export type RedisReader = {
  lRange(key: string, start: number, stop: number): Promise<string[]>;
  hScan(key: string, cursor: string, options: { COUNT: number }): Promise<ScanPage>;
  xRange(key: string, start: string, end: string, options: { COUNT: number }): Promise<LedgerEntry[]>;
  xLen(key: string): Promise<number>;
  multi(): MarkTransaction;
  /** Any command, sent to the node of a cluster that has the key. */
  ask(key: string, command: readonly string[]): Promise<unknown>;
  /** The Redis user of the audit, by its name in the ACL. */
  readonly username: string;
  close(): Promise<void>;
};

type ScanPage = { cursor: string; entries: { field: string; value: string }[] };
type LedgerEntry = { id: string; message: Record<string, string> };
type MarkTransaction = {
  hGetAll(key: string): MarkTransaction;
  lLen(key: string): MarkTransaction;
  hLen(key: string): MarkTransaction;
  xLen(key: string): MarkTransaction;
  info(section: string): MarkTransaction;
  exec(): Promise<unknown[]>;
};
