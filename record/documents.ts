/** The shapes of all documents, by collection; `record/mongo.ts` has their indexes. */

export const RECORDED_STATES = [
  "GENERATING",
  "SCHEDULED",
  "OPEN",
  "PAUSED",
  "SOLD_OUT",
  "ENDED",
  "CANCELLED",
] as const;

export type RecordedState = (typeof RECORDED_STATES)[number];

export type CampaignDoc = {
  _id: string;
  name: string;
  total: number;
  startsAt: Date;
  endsAt?: Date;
  onePerUser: boolean;
  codeFormat: string;
  /** How claims are authenticated at least; absent: open. */
  claimAuth?: "key" | "token";
  state: RecordedState;
  /** Raised by every load of the pool and every change that the pool follows; 0: never yet. */
  generation: number;
  /**
   * The highest generation known to have been loaded or turned to. A pool of a lower one comes from an old
   * Redis that has returned.
   */
  loadedGeneration?: number;
  /** Codes known to be durable, a lower bound: ordinals below it all exist. */
  generated: number;
  createdAt: Date;
  openedAt?: Date;
  requestId?: string;
  /**
   * The process that fills or loads this campaign, or the change of it, until an instant on MongoDB's clock.
   * See record/leases.ts.
   */
  lease?: { owner: string; until: Date };
  /**
   * The change that waits for the lease: fills and loads leave the lease to it until this instant, on
   * MongoDB's clock.
   */
  changing?: { owner: string; until: Date };
  /** Coupons that are being added; their codes have the ordinals from `total` on. */
  adding?: { count: number };
  /**
   * The count of an addition that an end or a cancellation cut off. Some of its codes may exist; they do not
   * count.
   */
  dropped?: number;
  /** How many coupons the pool was last loaded for, where coupons were added since it was created. */
  loadedTotal?: number;
  /** Ended or cancelled by an operator, and the pool is not known to be so and at rest yet. */
  settling?: true;
  /** Counts the changes; absent: 0. */
  revision?: number;
  /** Changes that are not in the history yet. */
  outbox?: HistoryDoc[];
  /** The campaign that this one rehearses; only these are ever removed. Never changed. */
  rehearsalOf?: string;
  /** Of a rehearsal: from this instant on MongoDB's clock, any scheduler removes it. */
  expiresAt?: Date;
  /** Of a rehearsal: its removal has begun, and no query returns it any more; on MongoDB's clock. */
  removing?: { since: Date; lookedAt: Date };
};

export type CouponDoc = {
  /** The code; `_id` makes it unique over all campaigns. */
  _id: string;
  campaignId: string;
  /** 0 to total-1: its place in the order in which the pool is loaded. */
  ordinal: number;
};

/** The durable record that a code went to a claim key. Written once, never changed. */
export type IssuanceDoc = {
  _id: string;
  campaignId: string;
  claimKey: string;
  /** The user who asked, where that is not the claim key. */
  userId?: string;
  generation: number;
  seq: number;
  issuedAt: Date;
};

/** The settings that a change can alter. */
export type CampaignSettings = {
  state: RecordedState;
  name: string;
  total: number;
  /** Coupons being added; absent: none. */
  adding?: number;
  startsAt: Date;
  endsAt?: Date;
};

/** The fields of a request for a change, to recognise its repetition. Absent: not given. */
export type Asked = {
  name?: string;
  count?: number;
  startsAtMs?: number;
  /** Null: no end. */
  endsAtMs?: number | null;
};

/** One change of a campaign. Written once, never altered. */
export type HistoryDoc = {
  /** `campaign/revision`, so that a change is recorded once, however often the insert is tried. */
  _id: string;
  campaignId: string;
  /** The campaign's revision after the change. */
  revision: number;
  /** On the clock of MongoDB. */
  at: Date;
  /**
   * When it happened, where it was recorded afterwards: the opening of the pool, the end. Absent: `at`.
   */
  happenedAt?: Date;
  /** The name that the caller gave; empty: none. */
  actor: string;
  verb: HistoryVerb;
  requestId?: string;
  /** With the requestId; absent in entries of earlier versions. */
  asked?: Asked;
  /** Absent: the campaign was created. */
  before?: CampaignSettings;
  after: CampaignSettings;
};

/** By operators: create to edit. By the service itself: schedule to added, and end. */
export type HistoryVerb =
  | "create"
  | "pause"
  | "resume"
  | "reschedule"
  | "add"
  | "end"
  | "cancel"
  | "edit"
  | "schedule"
  | "open"
  | "sell-out"
  | "added";

/** The start and the moment before it that a preflight was made for. */
export type PreflightTurn = {
  readonly campaignId: string;
  readonly startsAt: Date;
  /** How long before the start, in ms. */
  readonly beforeMs: number;
  /**
   * The campaign's revision: after every change a new preflight is made, also where the start returns to an
   * earlier value.
   */
  readonly revision: number;
};

/** A preflight that a scheduler made by itself. */
export type PreflightDoc = PreflightTurn & {
  /** `campaign/start in ms/ms before it/revision`: one each; the first scheduler makes it. */
  _id: string;
  /** When it began, on the clock of the scheduler that made it. */
  at: Date;
  /** Absent: it is under way, or its scheduler has crashed. */
  colour?: string;
  /** The lines that were not green. */
  lines?: { check: string; colour: string; finding: string; advice: string }[];
};

/** Answers of one process for one campaign since the start of the process; counts only rise. */
export type CampaignCounts = {
  campaignId: string;
  /** By outcome: issued, replayed, or the reason of the refusal in small letters. */
  outcomes: Record<string, number>;
  /** By bucket of `runtime/latency-histogram.ts`; empty buckets at the end are left out. */
  latency: number[];
};

/** How often a user, an address and a key may ask, each in the words of its setting: `off`, `20/10`. */
export type ClaimLimits = {
  user: string;
  address: string;
  key: string;
  /** Whether all processes count together. */
  shared: boolean;
};

/** The heartbeat that a process writes about once a second. */
export type ProcessBeat = {
  host: string;
  pid: number;
  /** Its number among the workers of a primary process; absent: it is no worker. */
  worker?: number;
  /** The pid of its primary process; absent: it is no worker, or of a version that did not write this. */
  primary?: number;
  roles: string[];
  /**
   * How it authenticates claims, whether other machines can reach it, and how often callers may ask (absent:
   * of an earlier version); absent: it takes none, or is of an earlier version.
   */
  claims?: { auth: "open" | "key" | "token"; reachable: boolean; limits?: ClaimLimits };
  version: string;
  /** On its own clock. */
  startedAt: Date;
  /** Its clock minus that of Redis; absent: Redis did not answer. */
  redisClock?: { offsetMs: number; uncertaintyMs: number };
  /** Counts by kind, since its start, of faults that should not happen and were repaired. */
  alarms: Record<string, number>;
  /** The campaigns with the most recent answers; empty without the server role. */
  campaigns: CampaignCounts[];
};

export type ProcessDoc = ProcessBeat & {
  /** The owner id of the process: new at each start. */
  _id: string;
  /** On MongoDB's clock. */
  seenAt: Date;
  /**
   * When its scheduler last completed a round, on MongoDB's clock; absent: it has no scheduler, or no round
   * was completed yet.
   */
  lastTickAt?: Date;
};
