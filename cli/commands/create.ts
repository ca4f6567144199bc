import { randomUUID } from "node:crypto";
import { toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Campaign, CampaignSchema, CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { call } from "../call.ts";
import type { Command, Input } from "../command.ts";
import { dryRun, dryRunOption } from "../dry-run.ts";
import { exitCodes } from "../exit-code.ts";
import { followCampaign } from "../follow.ts";
import { type GivenInstant, isRelative, parseInstant } from "../instant.ts";
import { jsonOptions } from "../json.ts";
import { paintedState } from "../output.ts";
import { campaignFacts, countdown, factLines, grouped, instantText, printable } from "../render.ts";
import { serverNowMs } from "../server-clock.ts";
import type { Session } from "../session.ts";
import { UserError } from "../user-error.ts";

/** As the service has it: refused here too, so that the mistake is told at once. */
const maxTotal = 5_000_000;
const defaultWaitMs = 600_000;
const maxWaitMs = 86_400_000;
const watchIntervalMs = 200;

/** The campaign as last heard of. */
interface Made {
  campaign: Campaign;
}

interface Window {
  readonly start: GivenInstant;
  readonly end: GivenInstant | undefined;
  readonly serverMs: number | undefined;
}

export const create: Command = {
  name: "create",
  summary: "create a campaign: N coupons that open at an instant",
  takesCampaign: false,
  options: [
    { flags: "--name <text>", about: "what the operators call it, 1 to 200 characters" },
    { flags: "--total <n>", about: "how many coupons, 1 to 5000000" },
    { flags: "--start <T>", about: "the instant they open, see below" },
    { flags: "--end <T>", about: "the instant from which nothing is issued; start+2h counts from --start" },
    { flags: "--one-per-user", about: "each user id gets at most one" },
    {
      flags: "--format <pattern>",
      about:
        "of the codes: 가 a syllable, 0 a digit, a last # a check character (default 가가가가가가0000); see coupon formats",
      offers: ["가가가가가가0000", "가가가가가가000#"],
    },
    { flags: "--request-id <id>", about: "idempotency key; the same one gives the same campaign" },
    { flags: "--wait", about: "wait until the codes are made (default on a terminal)" },
    { flags: "--no-wait", about: "do not wait" },
    { flags: "--wait-timeout <ms>", about: `give up waiting after this (default ${defaultWaitMs})` },
    dryRunOption,
  ],
  examples: [
    'coupon create --name "Christmas" --total 1000 --start 2026-12-24T20:00:00+09:00 --one-per-user',
    'coupon create --name "Christmas" --total 1000 --start "2026-12-24 20:00 Asia/Seoul" --end start+2h',
    "coupon create --name try --total 100 --start +10s --json",
    "coupon create --name try --total 100 --start +1d --dry-run",
  ],
  notes:
    "T is RFC 3339 with Z or an offset, a date, a time and a zone name, +5s +10m +2h +1d +1h30m, or now.\n" +
    "What is relative counts from the server's clock. Without --request-id one is made; tries after an unavailable\n" +
    "answer carry the same one, so that they never create a second campaign.",

  async run(session, input) {
    const name = input.requiredText("--name");
    const total = input.wholeNumber("--total", 1, maxTotal);
    if (total === undefined) throw new UserError("--total is missing", { hint: "--help shows an example" });
    const wait = input.flag("--wait") ?? session.output.interactive;
    const waitMs = input.wholeNumber("--wait-timeout", 1, maxWaitMs) ?? defaultWaitMs;
    const codeFormat = (input.text("--format") ?? "").normalize("NFC");
    const requestId = input.text("--request-id") ?? randomUUID();
    const window = await readWindow(session, input);

    const request = {
      name,
      total,
      startsAt: timestampFromMs(window.start.epochMs),
      onePerUser: input.flag("--one-per-user") ?? false,
      codeFormat,
      requestId,
      ...(window.end === undefined ? {} : { endsAt: timestampFromMs(window.end.epochMs) }),
    };
    const namedZone = window.start.zone ?? window.end?.zone;
    const { createCampaign: method } = CampaignService.method;
    if (await dryRun(session, input, { method, request, namedZone })) return;
    echo(session, window);
    const answer = await call(session, (options) => session.campaigns.createCampaign(request, options), {
      again: "trying again with the same request id",
      advice: `it may have been created: run again with --request-id ${printable(requestId)} and the same instants`,
    });
    const made: Made = { campaign: required(answer.campaign) };
    try {
      if (wait) await waitForCodes(session, made, waitMs);
    } finally {
      // Whatever comes of the wait, the campaign exists, and its id is the result.
      await show(session, made.campaign, answer.notices, requestId, window);
    }
  },
};

async function readWindow(session: Session, input: Input): Promise<Window> {
  const startText = input.requiredText("--start");
  const endText = input.text("--end");
  const fromStart = endText?.startsWith("start+") === true;
  const relative = isRelative(startText) || (endText !== undefined && isRelative(endText));
  // Mistakes in the texts are found before the network is asked.
  parseInstant(startText, 0, "--start");
  if (endText !== undefined) parseInstant(fromStart ? endText.slice(5) : endText, 0, "--end");
  const serverMs = relative ? await serverNowMs(session) : undefined;
  const start = parseInstant(startText, serverMs ?? 0, "--start");
  const end =
    endText === undefined
      ? undefined
      : parseInstant(
          fromStart ? endText.slice(5) : endText,
          fromStart ? start.epochMs : (serverMs ?? 0),
          "--end",
        );
  if (end !== undefined && end.epochMs <= start.epochMs) {
    throw new UserError("--end is not after --start", { hint: "--end start+2h counts from --start" });
  }
  return { start, end, serverMs };
}

/** The instants in full, before anything is sent: the last moment at which a wrong zone or year is only a typing error. */
function echo(session: Session, { start, end, serverMs }: Window): void {
  const { zone } = session.settings;
  const left = serverMs === undefined ? "" : `, in ${countdown(start.epochMs - serverMs)}`;
  const ends = end === undefined ? "never ends" : `ends at ${instantText(end.epochMs, zone, end.zone)}`;
  session.output.note(`opens at ${instantText(start.epochMs, zone, start.zone)}${left}; ${ends}`);
}

async function waitForCodes(session: Session, made: Made, waitMs: number): Promise<void> {
  const { output, signal } = session;
  const { id, total } = made.campaign;
  if (!isPreparing(made.campaign)) return assertUsable(made.campaign);
  if (!output.interactive) output.note(`waiting for the ${grouped(total)} codes of ${id}`);
  const deadline = AbortSignal.timeout(waitMs);
  try {
    await followCampaign(
      { ...session, signal: AbortSignal.any([signal, deadline]) },
      {
        campaignId: id,
        intervalMs: watchIntervalMs,
        draw: output.interactive,
        onMessage(message) {
          made.campaign = message.campaign ?? made.campaign;
          return !isPreparing(made.campaign);
        },
      },
    );
  } catch (error) {
    if (!deadline.aborted || signal.aborted) throw error;
    const done = `${grouped(made.campaign.generated)} of ${grouped(total)} codes were made in ${waitMs} ms`;
    throw new UserError(`${id} was created, but only ${done}`, {
      hint: `coupon watch ${id} goes on`,
      exitCode: exitCodes.unavailable,
    });
  }
  assertUsable(made.campaign);
}

function isPreparing(campaign: Campaign): boolean {
  return campaign.state === CampaignState.GENERATING;
}

function assertUsable(campaign: Campaign): void {
  if (campaign.state !== CampaignState.CANCELLED && campaign.state !== CampaignState.ENDED) return;
  const what = campaign.state === CampaignState.ENDED ? "has ended" : "was called off";
  throw new UserError(`${campaign.id} ${what} before it opened`, {
    hint: `coupon get ${campaign.id} shows it`,
    exitCode: exitCodes.refused,
  });
}

async function show(
  session: Session,
  campaign: Campaign,
  notices: readonly string[],
  requestId: string,
  window: Window,
): Promise<void> {
  const { output, settings } = session;
  if (output.json) {
    const shown = { campaign: toJson(CampaignSchema, campaign, jsonOptions), notices, requestId };
    await output.write(`${JSON.stringify(shown)}\n`);
    return;
  }
  const { id } = campaign;
  const alsoZones = window.start.zone === undefined ? [] : [window.start.zone];
  const facts = campaignFacts(campaign, { zone: settings.zone, serverMs: window.serverMs, alsoZones });
  const issueKey = campaign.onePerUser ? " --user USER" : "";
  await output.write(
    `${output.style("bold", `created ${id}`)}  ${paintedState(output, campaign.state)}\n${factLines([...facts, ["request id", printable(requestId)]])}` +
      notices.map((notice) => `  note: ${printable(notice)}\n`).join("") +
      `next: coupon watch ${id}    coupon issue ${id}${issueKey}\n`,
  );
}

function required(campaign: Campaign | undefined): Campaign {
  if (campaign === undefined) throw new Error("the service answered without a campaign");
  return campaign;
}
