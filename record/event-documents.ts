/** The shapes of the documents of the event feed, by collection; `record/mongo.ts` has their indexes. */

/** Consecutive sequence numbers of one generation, both ends included; each of them has an issuance. */
export type IssuedRun = { generation: number; first: number; last: number };

/** How far the log of a campaign has come with an entry. */
export type LogHead = {
  /** The last revision of the history that is in the log; -1: none yet. */
  revision: number;
  /** The last place of the issue order that was logged in order; 0 and 0: none yet. */
  generation: number;
  seq: number;
  /** How many issuances are in the log. */
  issued: number;
  /** The coupons of the campaign after that revision. */
  total: number;
};

export type EventEntryBody =
  /** Changes of the campaign: revisions of its history, both ends included. */
  | { kind: "changes"; from: number; to: number }
  /** Coupons, in issue order. */
  | { kind: "issued"; runs: IssuedRun[] }
  /** Coupons whose issuances became durable after later ones had been logged. */
  | { kind: "late"; runs: IssuedRun[] };

/**
 * A part of a campaign's event log: it names documents of the record and has no copy of them. Written once,
 * never changed.
 */
export type EventEntry = EventEntryBody & {
  /** `campaign/n`, n with leading zeros: one entry of each number, and they sort by it. */
  _id: string;
  campaignId: string;
  /** From 1 on, without a gap. */
  n: number;
  /** When it was written, on the clock of its writer. */
  at: Date;
  head: LogHead;
};

/** Of each campaign that has a log: who writes it, and whether it is complete. */
export type FeedDoc = {
  /** The campaign. */
  _id: string;
  /** The process that writes the log, until an instant on MongoDB's clock. It only saves double work. */
  lease?: { owner: string; until: Date };
  /** All of the campaign up to this revision is in the log; absent: not known to be. */
  complete?: { revision: number; issued: number; since: Date };
  /** When to count the issuances of a complete log once more. */
  checkAt?: Date;
};

/** A part of a campaign's event log, in the order of all of them. Written once, never changed. */
export type FeedOrderDoc = {
  /** From 1 on, without a gap. */
  _id: number;
  campaignId: string;
  /** Numbers of entries, both included; the parts of a campaign follow each other. */
  from: number;
  to: number;
};

/** HTTP POST, signed by the Standard Webhooks specification. */
export type WebhookSettings = {
  kind: "webhook";
  url: string;
  /** Newest first: while one replaces another, each request is signed with all of them. */
  secrets: WebhookSecret[];
  /** Several events a request; absent: one. */
  batched?: true;
};

export type WebhookSecret = {
  /** `whsec_…` */
  secret: string;
  /** Until then it signs beside a newer one; absent: it is the newest. */
  until?: Date;
};

/** Messages to an exchange, with publisher confirms. */
export type RabbitMqSettings = {
  kind: "rabbitmq";
  /** `amqp://` or `amqps://`, with its credentials. */
  url: string;
  exchange: string;
};

export type SinkSettings = WebhookSettings | RabbitMqSettings;

/** A receiver of events, as an operator added it. */
export type SinkDoc = {
  /** Its name. */
  _id: string;
  /** New for each sink, also where a name is used again: cursors belong to it. */
  key: string;
  settings: SinkSettings;
  /** Events of this campaign alone; absent: of all. */
  campaignId?: string;
  /** Types of events; absent: all. */
  types?: string[];
  /** The stocks at which it is told, `100` or `10%`. */
  thresholds: string[];
  /** Only what happened from then on, on MongoDB's clock; absent: everything. */
  since?: Date;
  addedBy: string;
  addedAt: Date;
  /** Who last changed, paused or resumed it; absent: nobody. */
  changed?: { by: string; at: Date };
  paused?: true;
  /** It is paused because its receiver said that it is gone, in these words. */
  goneBecause?: string;
  /** The process that delivers to it, until an instant on MongoDB's clock. */
  lease?: { owner: string; until: Date };
  /** Counts the owners of the lease: an earlier one moves no cursor any more. */
  term: number;
  /** What the owner of the lease last said, on MongoDB's clock. */
  reported?: SinkReport & { at: Date };
  /** The last test; one runs at a time. */
  test?: SinkTest;
};

/** `waitingSince`: when the oldest event happened that is still to be delivered; absent: there is none. */
export type SinkReport = { waitingSince?: Date };

/** A test of a sink, which an operator has asked for. */
export type SinkTest = {
  id: string;
  askedAt: Date;
  /** The process that has taken it; absent: none has. */
  owner?: string;
  answer?: SinkTestAnswer;
};

/** `finding`: the answer of the receiver, or why there was none, in words. */
export type SinkTestAnswer = { delivered: boolean; finding: string; tookMs: number };

/** Since when deliveries have failed, and when the next attempt is due; on the clocks of the processes. */
export type Failing = { since: Date; attempts: number; nextAt: Date; error: string };

/** How far a sink has got the events of a campaign. */
export type CursorDoc = {
  /** `key/campaign` */
  _id: string;
  key: string;
  campaignId: string;
  /** The entry of the log that comes next, and how many of its events have been delivered. */
  n: number;
  index: number;
  /** Of the process that wrote this. */
  term: number;
  /** All of the campaign up to this revision was delivered; absent: not known to be. */
  doneRevision?: number;
  failing?: Failing;
  /** Events that were delivered, and attempts that failed, since the sink was added; absent: none. */
  delivered?: number;
  failed?: number;
  /** The last failure, also where events are taken again. */
  lastError?: { text: string; at: Date };
  /** When events were last delivered, on MongoDB's clock; absent: none were, or by a version before 0.2.0. */
  deliveredAt?: Date;
};

/** Events that a sink did not take for so long that they were put aside; they can be replayed. */
export type DeadLetterDoc = {
  /** `key/campaign/n-index` */
  _id: string;
  key: string;
  sink: string;
  campaignId: string;
  /** Their place in the log, and the place after them. */
  from: { n: number; index: number };
  to: { n: number; index: number };
  /** How many events were to be delivered, and the id of the first of them. */
  events: number;
  firstId: string;
  failing: Omit<Failing, "nextAt">;
  at: Date;
  /** An operator has asked for its replay. */
  replay?: true;
};
