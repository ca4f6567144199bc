import { randomUUID } from "node:crypto";
import { toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Campaign, CampaignSchema, CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { call } from "../call.ts";
import { actorOf, actorOption } from "../change.ts";
import type { Command } from "../command.ts";
import { confirm, yesOption } from "../confirm.ts";
import { clockForDryRun, dryRun, dryRunOption } from "../dry-run.ts";
import { exitCodes } from "../exit-code.ts";
import { followCampaign } from "../follow.ts";
import { isRelative } from "../instant.ts";
import { jsonOptions } from "../json.ts";
import { type NewInstants, readInstants, sayInstants } from "../new-instants.ts";
import { paintedState } from "../output.ts";
import { campaignFacts, factLines, grouped, instantText, printable } from "../render.ts";
import { serverNowMs } from "../server-clock.ts";
import { noticeLines } from "../server-words.ts";
import type { Session } from "../session.ts";
import { UserError } from "../user-error.ts";

/** As the service has it: refused here too, so that the mistake is told at once. */
const maxTotal = 5_000_000;
const defaultWaitMs = 600_000;
const maxWaitMs = 86_400_000;
const watchIntervalMs = 200;

/** What a field that is not given comes to. */
const absent = { codeFormat: "(the default, 가가가가가가0000)", endsAt: "(none: it never ends)" };

/** The campaign as last heard of. */
interface Made {
  campaign: Campaign;
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
    { flags: "--one-per-user", about: "each user id gets at most one; without it a user may get several" },
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
    actorOption,
    dryRunOption,
    { ...yesOption, about: "do not ask where the start has passed, so that it opens at once" },
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
    const startText = input.requiredText("--start");
    const instants = await readInstants(session, input);
    const { start, end } = instants;
    if (start === undefined) throw new Error("a start that was given has not been read");

    const request = {
      name,
      total,
      startsAt: timestampFromMs(start.epochMs),
      onePerUser: input.flag("--one-per-user") ?? false,
      codeFormat,
      requestId,
      actor: actorOf(session, input),
      ...(end === undefined ? {} : { endsAt: timestampFromMs(end.epochMs) }),
    };
    const namedZone = start.zone ?? end?.zone;
    const { createCampaign: method } = CampaignService.method;
    if (input.flag("--dry-run") === true) {
      const clockMs = await clockForDryRun(session, instants.serverMs);
      await dryRun(session, input, { method, request, namedZone, absent, serverMs: clockMs });
      return;
    }
    const serverMs = await sayStart(session, instants);
    if (!request.onePerUser) session.output.note("without --one-per-user: a user may get several");
    // Whoever says "now" means it; a date that has passed is most often a mistyped one.
    if (!isRelative(startText) && start.epochMs <= serverMs) {
      const passed = instantText(start.epochMs, session.settings.zone, start.zone);
      await confirm(session, input, {
        what: `create ${name}: its start, ${passed}, has passed, so it opens as soon as its ${grouped(total)} codes are made`,
      });
    }
    const answer = await call(session, (options) => session.campaigns.createCampaign(request, options), {
      again: "trying again with the same request id",
      advice: `it may have been created: run again with --request-id ${printable(requestId)} and the same instants`,
    });
    const made: Made = { campaign: required(answer.campaign) };
    try {
      if (wait) await waitForCodes(session, made, waitMs);
    } finally {
      // Whatever comes of the wait, the campaign exists, and its id is the result.
      await show(session, made.campaign, answer.notices, requestId, instants);
    }
  },
};

/** Says the instants, asking for the server's clock where it is not known yet; if nobody answers they are said without it. */
async function sayStart(session: Session, instants: NewInstants): Promise<number> {
  let { serverMs } = instants;
  try {
    serverMs ??= await serverNowMs(session);
    return serverMs;
  } finally {
    sayInstants(session, { ...instants, noEnd: instants.end === undefined }, serverMs);
  }
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
  { start, serverMs }: NewInstants,
): Promise<void> {
  const { output, settings } = session;
  if (output.json) {
    const shown = { campaign: toJson(CampaignSchema, campaign, jsonOptions), notices, requestId };
    await output.write(`${JSON.stringify(shown)}\n`);
    return;
  }
  const { id } = campaign;
  const alsoZones = start?.zone === undefined ? [] : [start.zone];
  const facts = campaignFacts(campaign, { zone: settings.zone, serverMs, alsoZones });
  const issueKey = campaign.onePerUser ? " --user USER" : "";
  await output.write(
    `${output.style("bold", `created ${id}`)}  ${paintedState(output, campaign.state)}\n${factLines([...facts, ["request id", printable(requestId)]])}` +
      noticeLines(notices, settings.zone) +
      nextLines([
        [`coupon preflight ${id}`, "will it open?"],
        [`coupon launch ${id}`, "the whole screen of its launch"],
        [`coupon watch ${id}`, "the same in one line"],
        [`coupon issue ${id}${issueKey}`, "claim one"],
      ]),
  );
}

function nextLines(commands: readonly (readonly [line: string, what: string])[]): string {
  const width = Math.max(...commands.map(([line]) => line.length));
  return commands
    .map(([line, what], at) => `${at === 0 ? "next:" : "     "} ${line.padEnd(width)}  ${what}\n`)
    .join("");
}

function required(campaign: Campaign | undefined): Campaign {
  if (campaign === undefined) throw new Error("the service answered without a campaign");
  return campaign;
}
