import { createHash } from "node:crypto";
import { toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Campaign, CampaignSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { counted, isOrAre } from "../../runtime/counting.ts";
import { call } from "../call.ts";
import type { Input } from "../command.ts";
import { createdAlready } from "../created-already.ts";
import { dryRunMode } from "../dry-run-mode.ts";
import { parseInstant } from "../instant.ts";
import { jsonOptions } from "../json.ts";
import { type Occurrences, occurrencesOf, zoneOf } from "../occurrences.ts";
import { instantText, printable } from "../render.ts";
import { serverNowMs } from "../server-clock.ts";
import type { Session } from "../session.ts";
import { UserError } from "../user-error.ts";
import { rfc3339In } from "../zone.ts";

/** Campaigns that one command makes: each has its codes made ahead of time. */
export const dropsMost = 100;

/** What all campaigns of the series share. */
export interface Drop {
  readonly name: string;
  readonly total: number;
}

interface Planned {
  readonly name: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number | undefined;
  readonly requestId: string;
}

/**
 * Creates a campaign for each occurrence, in order. The request id of each follows from the series and the
 * instant: after a kill, or with a later --until, the same command goes on where it was.
 */
export async function createSeries(session: Session, input: Input, drop: Drop): Promise<void> {
  refuseOthers(input);
  const zone = zoneOf(input.requiredText("--zone"));
  // One more blank between two fields would make another series of the same drops.
  const expression = input.requiredText("--every").trim().split(/\s+/).join(" ");
  const nowMs = await serverNowMs(session);
  const from = parseInstant(input.text("--start") ?? "now", nowMs, "--start");
  const untilMs = parseInstant(input.requiredText("--until"), nowMs, "--until").epochMs;
  // An occurrence that has passed would open at once.
  const fromMs = Math.max(nowMs, from.epochMs - 1);
  const found = occurrencesOf({ expression, zone, fromMs, untilMs }, dropsMost);
  demandSome(found, session, zone);
  const seriesId = input.text("--series") ?? seriesOf(drop.name, expression, zone);
  const planned = found.starts.map(({ epochMs }) => plan(drop.name, seriesId, epochMs, zone, input));
  sayClocks(session, found, zone);
  if (dryRunMode(input) !== undefined) return showPlan(session, seriesId, planned, zone);
  const created: Campaign[] = [];
  for (const one of planned) {
    const { startsAtMs, endsAtMs, ...rest } = one;
    const request = {
      ...{ ...drop, ...rest, seriesId, startsAt: timestampFromMs(startsAtMs) },
      ...(endsAtMs === undefined ? {} : { endsAt: timestampFromMs(endsAtMs) }),
    };
    const { campaign } = await call(
      session,
      (options) => session.campaigns.createCampaign(request, options),
      {
        again: "trying again with the same request id",
        advice: `${counted(created.length, "campaign")} of ${planned.length} ${isOrAre(created.length)} there: run the same command again, it goes on`,
      },
    ).catch((error: unknown) => {
      throw createdAlready(
        error,
        `series ${printable(seriesId)} has ${printable(rest.name)} already`,
        `give the very same properties, or begin another series with --series; coupon list --series ${printable(seriesId)} shows this one`,
      );
    });
    if (campaign === undefined) throw new Error("the service answered without a campaign");
    created.push(campaign);
    await session.output.write(createdText(session, campaign, startsAtMs, zone));
  }
  session.output.note(
    `series ${printable(seriesId)}: ${counted(created.length, "campaign")}; coupon list --series ${printable(seriesId)} shows them, coupon cancel --series ${printable(seriesId)} calls off those that have not opened`,
  );
}

/** Options that one campaign alone can have. */
function refuseOthers(input: Input): void {
  if (input.text("--request-id") !== undefined)
    throw new UserError(
      "--request-id is of one campaign: with --every it follows from the series and the instant",
      {
        hint: "--series names the series",
      },
    );
  if (input.text("--end")?.startsWith("start+") === false)
    throw new UserError("--end counts from each start where --every is given", {
      hint: "give --end start+2h",
    });
}

/** The same name, expression and zone are the same series. */
function seriesOf(name: string, expression: string, zone: string): string {
  const hash = createHash("sha256").update([name, expression, zone].join("\u0000"));
  return `series-${hash.digest("hex").slice(0, 12)}`;
}

function demandSome({ starts, hasMore }: Occurrences, { settings }: Session, zone: string): void {
  const [first, last] = [starts[0], starts.at(-1)];
  if (first === undefined || last === undefined)
    throw new UserError("--every has no occurrence before --until", { hint: "give a later --until" });
  if (!hasMore) return;
  const lastText = instantText(last.epochMs, settings.zone, zone);
  throw new UserError(`--every has more than ${dropsMost} occurrences before --until`, {
    hint: `give --until ${rfc3339In(last.epochMs, zone)} at the latest (${lastText}), and run again later`,
  });
}

function plan(name: string, seriesId: string, epochMs: number, zone: string, input: Input): Planned {
  const endText = input.text("--end");
  const end = endText === undefined ? undefined : parseInstant(endText.slice(5), epochMs, "--end");
  const wall = rfc3339In(epochMs, zone);
  return {
    name: `${name} ${wall.slice(0, wall.slice(17, 19) === "00" ? 16 : 19).replace("T", " ")}`,
    startsAtMs: epochMs,
    endsAtMs: end?.epochMs,
    requestId: `${seriesId}@${new Date(epochMs).toISOString()}`,
  };
}

/** Days on which the clocks are set: what they skip, and what comes twice. */
function sayClocks({ output }: Session, { starts, skipped }: Occurrences, zone: string): void {
  for (const wall of skipped)
    output.note(`no campaign at ${wall} ${zone}: the clocks there skip this time that day`);
  for (const { epochMs, isDoubled } of starts)
    if (isDoubled)
      output.note(
        `one campaign at ${rfc3339In(epochMs, zone)}: the time comes twice that day, and the first counts`,
      );
}

async function showPlan(
  { output, settings }: Session,
  seriesId: string,
  planned: readonly Planned[],
  zone: string,
): Promise<void> {
  if (output.json) {
    const shown = planned.map(({ startsAtMs, endsAtMs, ...rest }) => ({
      ...{ ...rest, seriesId, startsAt: new Date(startsAtMs).toISOString() },
      ...(endsAtMs === undefined ? {} : { endsAt: new Date(endsAtMs).toISOString() }),
    }));
    await output.write(
      `${JSON.stringify({ dryRun: true, url: settings.url, seriesId, campaigns: shown })}\n`,
    );
    return;
  }
  const title = `would create ${counted(planned.length, "campaign")} of series ${printable(seriesId)} at ${settings.url}`;
  const lines = planned.map(
    ({ name, startsAtMs }) => `  ${instantText(startsAtMs, settings.zone, zone)}  ${printable(name)}\n`,
  );
  await output.write(`${output.style("bold", title)}\n${lines.join("")}`);
  output.note("dry run: nothing was sent, and the service has not checked it");
}

function createdText(
  { output, settings }: Session,
  campaign: Campaign,
  startsAtMs: number,
  zone: string,
): string {
  if (output.json) return `${JSON.stringify(toJson(CampaignSchema, campaign, jsonOptions))}\n`;
  return `${campaign.id}  ${instantText(startsAtMs, settings.zone, zone)}  ${printable(campaign.name)}\n`;
}
