import type { ImportedCodes } from "./code-import-documents.ts";
import type { CommittedFields } from "./commitment-documents.ts";
import type { RedemptionRulesDoc } from "./redemption-documents.ts";

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

export type CampaignDoc = CommittedFields & {
  _id: string;
  /** Of this document, of all others of the campaign and of its keys in Redis; absent: 1. */
  shape?: number;
  name: string;
  total: number;
  startsAt: Date;
  endsAt?: Date;
  onePerUser: boolean;
  /** How many coupons a user may have, 2 to 100; absent: one where `onePerUser`, else any number. */
  maxPerUser?: number;
  /** The series of drops that it is one of; absent: none. Never changed. */
  seriesId?: string;
  codeFormat: string;
  /** How claims are authenticated at least; absent: open. */
  claimAuth?: "key" | "token";
  /** How its coupons are redeemed; absent: by the defaults. Never changed. */
  redemption?: RedemptionRulesDoc;
  state: RecordedState;
  /** Raised by every load of the pool and every change that the pool follows; 0: never yet. */
  generation: number;
  /** The highest known to have been loaded or turned to: a lower pool is of an old Redis, returned. */
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
  /** The change that waits for the lease: fills and loads leave it the lease until then (MongoDB's clock). */
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
  /** Absent: the service made its codes. Never changed. */
  imported?: ImportedCodes;
  /** As campaign/metadata.ts makes it; absent: none. */
  metadata?: readonly string[];
  /** Of a rehearsal: from this instant on MongoDB's clock, any scheduler removes it. */
  expiresAt?: Date;
  /**
   * Users of this campaign were erased under the key with this fingerprint, last at this instant on MongoDB's
   * clock. Set before the first id is replaced, and never removed: claims must bring pseudonyms then.
   */
  erasure?: { key: string; at: Date };
  /** So many days after it is over, its users are erased; absent: only where an operator asks for it. */
  forgetUsersAfterDays?: number;
  /** How many coupons it had when all its users were last erased. */
  forgotUsersOf?: number;
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

/**
 * The durable record that a code went to a claim key. Written once; only an erasure changes it, which puts
 * pseudonyms in the place of claim key and user id.
 */
export type IssuanceDoc = {
  _id: string;
  campaignId: string;
  claimKey: string;
  /** The user who asked, where that is not the claim key. */
  userId?: string;
  /** Which of this user's coupons it is, 1 to the campaign's `maxPerUser`; absent: the campaign has none. */
  place?: number;
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
  /** Absent: none. */
  metadata?: readonly string[];
  forgetUsersAfterDays?: number;
};

/** The fields of a request for a change, to recognise its repetition. Absent: not given. */
export type Asked = {
  name?: string;
  count?: number;
  startsAtMs?: number;
  /** Null: no end. */
  endsAtMs?: number | null;
  metadata?: { readonly set: readonly string[]; readonly remove: readonly string[] };
  forgetUsersAfterDays?: number | null;
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
  /** When it happened, where that was recorded afterwards: an opening, an end. Absent: `at`. */
  happenedAt?: Date;
  /** The name that the caller gave; empty: none. */
  actor: string;
  verb: HistoryVerb;
  requestId?: string;
  /** With the requestId; absent in entries of earlier versions. */
  asked?: Asked;
  /** Of the verb `erase`. */
  erased?: ErasedHere;
  /** Absent: the campaign was created. */
  before?: CampaignSettings;
  after: CampaignSettings;
};

/** What an erasure covers; without an id. */
export type ErasedHere = {
  /** How many issuances: those that it found before it began. */
  count: number;
  /** The places of these issuances, `generation-seq`; absent: of all issuances of the campaign. */
  places?: string[];
};

/** By operators: create to erase. By the service itself: schedule to added, end and erase. */
export type HistoryVerb =
  | "create"
  | "pause"
  | "resume"
  | "reschedule"
  | "add"
  | "end"
  | "cancel"
  | "edit"
  | "erase"
  | "schedule"
  | "open"
  | "sell-out"
  | "added";

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
  /**
   * What it serves, and where other servers find its health pages (none: with TLS alone); absent: it is not
   * ready, has no server role, or is of an earlier version.
   */
  serving?: { parts: string[]; pages: string[] };
  version: string;
  /** The fingerprint of its ERASURE_KEY; absent: it has none. */
  erasureKey?: string;
  /** The newest shape of campaigns that it understands; absent: 1. */
  shape?: number;
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
