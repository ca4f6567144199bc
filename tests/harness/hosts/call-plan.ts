/** What the callers' process is told, as JSON in its environment, and what it tells at its end. */
export type CallPlan = {
  readonly url: string;
  readonly campaignId: string;
  readonly startsAtMs: number;
  readonly ratePerSecond: number;
  readonly userPrefix: string;
  /** Of JSON lines; see audit/history.ts. */
  readonly historyFile: string;
};

export type CallReport = {
  readonly users: number;
  /** Users without a definite answer in the end. */
  readonly unanswered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Arrivals that waited, as too many were under way. */
  readonly heldBack: number;
  /** How late the process was at worst to send a request. */
  readonly worstLagMs: number;
};

export const PLAN_SETTING = "CALL_PLAN";
export const REPORT = "report ";

/** Begins the message of an answer that is not the service's: there was none, or haproxy made one. */
export const NO_ANSWER = "no answer";
export const PROXY_ANSWER = "haproxy";
