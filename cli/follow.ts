import { toJson } from "@bufbuild/protobuf";
import {
  type WatchCampaignResponse,
  WatchCampaignResponseSchema,
} from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { type Bar, openBar, plainEventLines, plainWatchLine, watchLine } from "./bar.ts";
import { newsOfCampaign } from "./campaign-news.ts";
import { jsonOptions } from "./json.ts";
import { isOver } from "./render.ts";
import type { Session } from "./session.ts";
import { resumedStream } from "./stream.ts";

export interface FollowPlan {
  readonly campaignId: string;
  readonly intervalMs: number;
  /** The stream sends every change above this revision; undefined: the last few. */
  readonly afterRevision?: number | undefined;
  /** True: draw a bar. */
  readonly draw: boolean;
  /** Called with every message; true: that message was the last one wanted. */
  readonly onMessage: (message: WatchCampaignResponse) => boolean | Promise<boolean>;
}

/**
 * Follows a campaign to the last message wanted, over broken streams, and draws a bar that is updated between
 * the messages.
 */
export async function followCampaign(session: Session, plan: FollowPlan): Promise<WatchCampaignResponse> {
  const { campaigns, output, settings } = session;
  let bar: Bar | undefined;
  let latest: { message: WatchCampaignResponse; arrivedMs: number } | undefined;
  const line = (columns: number): string =>
    latest === undefined ? "" : watchLine(latest.message, performance.now() - latest.arrivedMs, columns);
  let { afterRevision } = plan;
  const closeBar = (): void => {
    bar?.close();
    bar = undefined;
  };
  const stream = resumedStream(session, {
    open(options) {
      const { campaignId, intervalMs } = plan;
      return campaigns.watchCampaign({ campaignId, intervalMs, ...goingOn(afterRevision) }, options);
    },
    properEnd: "interrupted",
    isProgress: newsOfCampaign(),
    maxSilenceMs: settings.timeoutMs + plan.intervalMs,
    note(text) {
      closeBar();
      output.note(text);
    },
  });
  try {
    for await (const message of stream) {
      latest = { message, arrivedMs: performance.now() };
      afterRevision = message.revision ?? afterRevision;
      if (plan.draw && message.events.length > 0) {
        closeBar();
        for (const event of plainEventLines(message)) output.note(event);
      }
      if (await plan.onMessage(message)) return message;
      if (plan.draw && bar === undefined) bar = openBar(output, line);
    }
  } finally {
    closeBar();
  }
  throw new Error("a stream that is resumed has ended");
}

/** Whether no more messages come. An earlier server does not send `isOver`: then the state decides. */
function isLast({ isOver: told, revision, campaign }: WatchCampaignResponse): boolean {
  return told || (revision === undefined && campaign !== undefined && isOver(campaign.state));
}

/** For a request to watch: the stream sends the changes after this revision, each once even if it broke. */
export function goingOn(afterRevision: number | undefined): { afterRevision?: number } {
  return afterRevision === undefined ? {} : { afterRevision };
}

/**
 * Follows the campaign until it is over: a line for each message and event in a pipe, JSON lines with --json,
 * a bar and the events on a terminal.
 */
export function followLines(
  session: Session,
  watched: Pick<FollowPlan, "campaignId" | "intervalMs" | "afterRevision">,
): Promise<WatchCampaignResponse> {
  const { output } = session;
  return followCampaign(session, {
    ...watched,
    draw: output.interactive,
    async onMessage(message) {
      if (output.json) {
        const line = toJson(WatchCampaignResponseSchema, message, jsonOptions);
        await output.write(`${JSON.stringify(line)}\n`);
      } else if (!output.interactive) {
        const lines = [...plainEventLines(message), plainWatchLine(message)];
        await output.write(`${lines.join("\n")}\n`);
      }
      return isLast(message);
    },
  });
}
