import { requestIdOf } from "../campaign/claim-key.ts";
import { viewMetadata } from "../campaign/metadata.ts";
import type { CampaignSettings, HistoryDoc, HistoryVerb, IssuanceDoc } from "../record/documents.ts";
import { shownId } from "../record/pseudonym.ts";

/** What happened to a campaign, by the verb of its history. */
const CHANGE_TYPES = {
  create: "campaign.created",
  schedule: "campaign.scheduled",
  open: "campaign.opened",
  pause: "campaign.paused",
  resume: "campaign.resumed",
  reschedule: "campaign.rescheduled",
  add: "campaign.adding",
  added: "campaign.added",
  edit: "campaign.edited",
  erase: "campaign.users_erased",
  "sell-out": "campaign.sold_out",
  end: "campaign.ended",
  cancel: "campaign.cancelled",
} as const satisfies Record<HistoryVerb, string>;

export type ChangeType = (typeof CHANGE_TYPES)[HistoryVerb];
export type EventType = ChangeType | "coupon.issued" | "stock.low" | "sink.test";

export const EVENT_TYPES: readonly EventType[] = [
  ...Object.values(CHANGE_TYPES),
  "coupon.issued",
  "stock.low",
  "sink.test",
];

/** An event in the JSON format of CloudEvents 1.0. Source: github.com/cloudevents/spec, v1.0.2. */
export type CloudEvent = {
  readonly specversion: "1.0";
  /** The same each time the event is delivered: with `source` it tells a repetition. */
  readonly id: string;
  readonly source: string;
  readonly type: EventType;
  readonly subject: string;
  /** RFC 3339, in UTC. */
  readonly time: string;
  readonly datacontenttype: "application/json";
  /**
   * The extension `sequence`: as texts, the sequences of a campaign's events are in the order of their
   * delivery.
   */
  readonly sequence: string;
  readonly data: EventData;
};

export type EventData = IssuedData | ChangeData | StockData | TestData;

export type IssuedData = {
  readonly campaignId: string;
  readonly code: string;
  /** Who claimed it, as FindIssuance shows it; absent: not known. */
  readonly userId?: string;
  readonly requestId?: string;
  readonly issuedAt: string;
  readonly generation: number;
  readonly seq: number;
  /** Counts the campaign's issued coupons in the order of the log, from 1 on, without a gap. */
  readonly number: number;
  /** Its issuance became durable so late that events of later coupons may have been delivered before. */
  readonly late?: true;
};

export type ChangeData = {
  readonly campaignId: string;
  readonly revision: number;
  readonly actor: string;
  /**
   * Of `campaign.users_erased`: how many coupons' users, and which by `generation-seq`; without `places`: all
   * of the campaign so far. Their earlier events have ids that the receiver has to erase itself.
   */
  readonly erased?: { readonly count: number; readonly places?: readonly string[] };
  /** Absent: the campaign was created. */
  readonly before?: SettingsData;
  readonly after: SettingsData;
};

export type SettingsData = {
  readonly state: CampaignSettings["state"];
  readonly name: string;
  readonly total: number;
  /** Coupons being added; absent: none. */
  readonly adding?: number;
  readonly startsAt: string;
  readonly endsAt?: string;
  /** Absent: none. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** So many days after it is over, its users are erased; absent: not by itself. */
  readonly forgetUsersAfterDays?: number;
};

export type StockData = {
  readonly campaignId: string;
  /** As it was given: `100` coupons, or `10%` of the total. */
  readonly threshold: string;
  readonly remaining: number;
  readonly issued: number;
  readonly total: number;
};

export type TestData = { readonly sink: string };

/** Where an event is in the log of its campaign. */
export type EventPlace = {
  /** The number of the entry, from 1 on. */
  readonly n: number;
  /** Counts the events of the entry, from 0 on. */
  readonly index: number;
};

export function issuedEvent(
  issuance: IssuanceDoc,
  { onePerUser, number, late }: { onePerUser: boolean; number: number; late: boolean },
  place: EventPlace,
): CloudEvent {
  const { campaignId, generation, seq, claimKey, userId } = issuance;
  const issuedAt = issuance.issuedAt.toISOString();
  return {
    ...headOf(campaignId, `${generation}-${seq}`, "coupon.issued", issuedAt, place),
    subject: `issuances/${generation}-${seq}`,
    data: {
      ...{ campaignId, code: issuance._id },
      ...(onePerUser
        ? { userId: shownId(claimKey) }
        : {
            ...(userId === undefined ? {} : { userId: shownId(userId) }),
            requestId: shownId(requestIdOf(claimKey)),
          }),
      ...{ issuedAt, generation, seq, number },
      ...(late ? { late } : {}),
    },
  };
}

export function changeEvent(entry: HistoryDoc, place: EventPlace): CloudEvent {
  const { campaignId, revision, actor, verb, erased, before, after } = entry;
  const at = entry.happenedAt ?? entry.at;
  return {
    ...headOf(campaignId, String(revision), CHANGE_TYPES[verb], at.toISOString(), place),
    subject: `revisions/${revision}`,
    data: {
      ...{ campaignId, revision, actor },
      ...(erased === undefined ? {} : { erased }),
      ...(before === undefined ? {} : { before: settingsData(before) }),
      after: settingsData(after),
    },
  };
}

/** The stock reached a threshold with this coupon. */
export function stockEvent(
  { campaignId, issuedAt }: Pick<IssuanceDoc, "campaignId" | "issuedAt">,
  stock: Omit<StockData, "campaignId">,
  place: EventPlace,
): CloudEvent {
  const id = `stock.low/${stock.threshold}/${stock.issued}`;
  const head = headOf(campaignId, id, "stock.low", issuedAt.toISOString(), place);
  // After the coupon itself, which has the same place.
  const sequence = `${head.sequence}-${stock.threshold}`;
  return { ...head, sequence, subject: "stock", data: { campaignId, ...stock } };
}

/** What `coupon sinks test` sends: it belongs to no campaign. */
export function testEvent(sink: string, id: string, atMs: number): CloudEvent {
  return {
    specversion: "1.0",
    ...{ id: `${sink}/test/${id}`, source: `/sinks/${sink}`, type: "sink.test", subject: "test" },
    ...{ time: new Date(atMs).toISOString(), datacontenttype: "application/json", sequence: "0" },
    data: { sink },
  };
}

/** Wide enough for any place: texts of one length are in the order of their numbers. */
const N_DIGITS = 9;
const INDEX_DIGITS = 6;

function headOf(campaignId: string, id: string, type: EventType, time: string, { n, index }: EventPlace) {
  return {
    specversion: "1.0",
    ...{ id: `${campaignId}/${id}`, source: `/campaigns/${campaignId}`, type, time },
    datacontenttype: "application/json",
    sequence: `${String(n).padStart(N_DIGITS, "0")}-${String(index).padStart(INDEX_DIGITS, "0")}`,
  } as const;
}

function settingsData(settings: CampaignSettings): SettingsData {
  const { state, name, total, adding, startsAt, endsAt, metadata, forgetUsersAfterDays } = settings;
  return {
    ...{ state, name, total },
    ...(adding === undefined ? {} : { adding }),
    startsAt: startsAt.toISOString(),
    ...(endsAt === undefined ? {} : { endsAt: endsAt.toISOString() }),
    ...(metadata === undefined ? {} : { metadata: viewMetadata(metadata) }),
    ...(forgetUsersAfterDays === undefined ? {} : { forgetUsersAfterDays }),
  };
}
