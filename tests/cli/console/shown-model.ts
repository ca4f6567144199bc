import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Model, newModel, withMessage } from "../../../cli/console/model.ts";
import type { Campaign } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  type WatchCampaignResponse,
  WatchCampaignResponseSchema,
} from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import {
  EventLevel,
  TrafficSchema,
  type WatchedProcess,
  WatchedProcessSchema,
} from "../../../proto/gen/coupon/v1/watch_pb.ts";
import { campaign, campaignId, startMs } from "../../support/stand-in.ts";

export const url = "http://127.0.0.1:8080";

export function watchedProcess(
  pid: number,
  given: MessageInitShape<typeof WatchedProcessSchema> = {},
): WatchedProcess {
  return create(WatchedProcessSchema, {
    id: `owner-${pid}`,
    host: "seoul-1",
    pid,
    roles: ["server", "scheduler", "generator"],
    version: "1.0.0",
    silentMs: 400n,
    clockOffsetMs: -0.4,
    clockUncertaintyMs: 1.2,
    tickAgeMs: 900n,
    ...given,
  });
}

export interface Given {
  readonly campaign?: Partial<Omit<Campaign, "$typeName" | "$unknown">>;
  /** The instant on the server's clock, in ms from the start. */
  readonly sinceStartMs?: number;
  readonly message?: Exclude<MessageInitShape<typeof WatchCampaignResponseSchema>, WatchCampaignResponse>;
}

/** A message in the middle of a launch; `given` replaces parts of it. */
export function message(given: Given = {}): WatchCampaignResponse {
  const told = campaign(given.campaign);
  const init: MessageInitShape<typeof WatchCampaignResponseSchema> = {
    campaign: told,
    remaining: told.total - told.issued,
    serverTime: timestampFromMs(startMs + (given.sinceStartMs ?? 0)),
    traffic: create(TrafficSchema),
    processes: [watchedProcess(4711), watchedProcess(4712)],
  };
  return create(WatchCampaignResponseSchema, Object.assign(init, given.message));
}

export const empty: Model = newModel({
  url,
  campaignId,
  zone: "Asia/Seoul",
  intervalMs: 1_000,
  revision: undefined,
});

/** The model after these messages, a second apart; the last one came at 0 of the console's clock. */
export function modelAfter(...messages: readonly WatchCampaignResponse[]): Model {
  return messages.reduce(
    (model, one, i) => withMessage(model, one, (i + 1 - messages.length) * 1_000),
    empty,
  );
}

export function told(sinceStartMs: number, text: string, level: EventLevel = EventLevel.INFO) {
  return { at: timestampFromMs(startMs + sinceStartMs), level, kind: "state", text };
}
