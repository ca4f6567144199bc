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
  state: RecordedState;
  /** Raised whenever the Redis side is loaded or rebuilt; 0: never yet. */
  generation: number;
  /**
   * The highest generation known to have been swapped in or turned to: a pool of a lower one is an old Redis
   * that came back.
   */
  loadedGeneration?: number;
  /** Codes known to be durable, a lower bound: ordinals below it all exist. */
  generated: number;
  createdAt: Date;
  openedAt?: Date;
  requestId?: string;
  /**
   * Who fills or loads this campaign, on MongoDB's clock. A hint that saves work; correctness rests on the
   * indexes.
   */
  lease?: { owner: string; until: Date };
  /**
   * Who wants the lease for a change next: fills and loads leave it to them for so long, on MongoDB's clock.
   */
  changing?: { owner: string; until: Date };
  /** Coupons that are being added; their codes have the ordinals from `total` on. */
  adding?: { count: number };
  /**
   * An addition that an end or a cancellation cut off: some of its codes may exist, and count for nothing.
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
  /** Of a rehearsal: when it is removed by whoever notices, on MongoDB's clock. */
  expiresAt?: Date;
  /** Of a rehearsal: its removal has begun, and nobody finds it any more; on MongoDB's clock. */
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

/** What a change can change. */
export type CampaignSettings = {
  state: RecordedState;
  name: string;
  total: number;
  /** Coupons being added; absent: none. */
  adding?: number;
  startsAt: Date;
  endsAt?: Date;
};

/** What a request for a change named, so that its repetition is told from another one. Absent: not named. */
export type Asked = {
  name?: string;
  count?: number;
  startsAtMs?: number;
  /** Null: to have none. */
  endsAtMs?: number | null;
};

/** One change of a campaign. Written once, never altered. */
export type HistoryDoc = {
  /** campaign/revision: a change is written down once, however often it is tried. */
  _id: string;
  campaignId: string;
  /** The campaign's revision after the change. */
  revision: number;
  /** On the clock of MongoDB. */
  at: Date;
  /**
   * When it came about, where it was written down afterwards: the opening of the pool, the end. Absent: `at`.
   */
  happenedAt?: Date;
  /** As the caller told it; empty: not told. */
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

/** What a preflight was made for. */
export type PreflightTurn = {
  readonly campaignId: string;
  readonly startsAt: Date;
  /** So long before the start. */
  readonly beforeMs: number;
  /**
   * Of the campaign: whatever is changed is looked at anew, also where the start comes back to what it was.
   */
  readonly revision: number;
};

/** A preflight that a scheduler made by itself. */
export type PreflightDoc = PreflightTurn & {
  /** `campaign/start in ms/ms before it/revision`: one each, whoever of the schedulers comes first. */
  _id: string;
  /** When it began, on the clock of the scheduler that made it. */
  at: Date;
  /** Absent: it is under way, or whoever made it died. */
  colour?: string;
  /** What was not green. */
  lines?: { check: string; colour: string; finding: string; advice: string }[];
};

/** Answers of one process for one campaign since its start; only rises while the process lives. */
export type CampaignCounts = {
  campaignId: string;
  /** By outcome: issued, replayed, or the reason of the refusal in small letters. */
  outcomes: Record<string, number>;
  /** By bucket of `runtime/latency-histogram.ts`; empty buckets at the end are left out. */
  latency: number[];
};

/** What a process says of itself about once a second. */
export type ProcessBeat = {
  host: string;
  pid: number;
  /** Which worker of several on one port; absent: it is alone. */
  worker?: number;
  /** The process whose worker it is, by its pid; absent: it is none, or of a version that did not say. */
  primary?: number;
  roles: string[];
  version: string;
  /** On its own clock. */
  startedAt: Date;
  /** Its clock minus that of Redis; absent: Redis did not answer. */
  redisClock?: { offsetMs: number; uncertaintyMs: number };
  /** Things that should not happen and were repaired, by kind, since its start. */
  alarms: Record<string, number>;
  /** The busiest campaigns of late; empty without the server role. */
  campaigns: CampaignCounts[];
};

export type ProcessDoc = ProcessBeat & {
  /** The owner id: new at each start. */
  _id: string;
  /** On MongoDB's clock. */
  seenAt: Date;
  /**
   * When its scheduler last completed a round, on MongoDB's clock; absent: it has none, or none was completed
   * yet.
   */
  lastTickAt?: Date;
};
