import { randomUUID } from "node:crypto";
import { toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Campaign, CampaignSchema, CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted, grouped, isOrAre } from "../../runtime/counting.ts";
import { limitedSignal } from "../../runtime/limited-signal.ts";
import { broughtCodes, codesPathOf } from "../brought-codes.ts";
import { call } from "../call.ts";
import { actorOf } from "../change.ts";
import { claimAuthOf, perUserOf } from "../claim-rules.ts";
import type { Action, Input } from "../command.ts";
import { confirm } from "../confirm.ts";
import { clockForDryRun, dryRun } from "../dry-run.ts";
import { dryRunMode } from "../dry-run-mode.ts";
import { exitCodes } from "../exit-code.ts";
import { followCampaign } from "../follow.ts";
import { isRelative } from "../instant.ts";
import { jsonOptions } from "../json.ts";
import { metadataOf } from "../metadata.ts";
import { type NewInstants, namedZones, sayInstants } from "../new-instants.ts";
import { paintedState } from "../painted-state.ts";
import { readInstants } from "../read-instants.ts";
import { readRedemptionRules } from "../redemption-rules.ts";
import { campaignFacts, factLines, instantText, printable } from "../render.ts";
import { serverNowMs } from "../server-clock.ts";
import { noticeLines } from "../server-words.ts";
import type { Session } from "../session.ts";
import { UserError } from "../user-error.ts";
import { defaultWaitMs } from "../verbs/create.ts";
import { createSeries } from "./create-series.ts";

/** The service's limit, checked here too, so that the mistake is reported at once. */
const maxTotal = 5_000_000;
const maxWaitMs = 86_400_000;
const watchIntervalMs = 200;

/** The words for fields that the request does not contain. */
const absent = {
  claimAuth: "(as the deployment demands)",
  codeFormat: "(the default, 가가가가가가0000)",
  endsAt: "(none: it never ends)",
  redemption: "(each code once, by anybody, at any time)",
};

/** The campaign as the service last sent it. */
interface Made {
  campaign: Campaign;
}

export const action: Action = {
  async run(session, input) {
    const name = input.requiredText("--name");
    const given = input.wholeNumber("--total", 1, maxTotal);
    const codesPath = codesPathOf(input);
    const wait = input.flag("--wait") ?? session.output.interactive;
    const waitMs = input.wholeNumber("--wait-timeout", 1, maxWaitMs) ?? defaultWaitMs;
    const codeFormat = (input.text("--format") ?? "").normalize("NFC");
    const forgetDays = input.wholeNumber("--forget-users-after", 1, 3_650);
    const drop = {
      ...{ name, total: given ?? 0, codeFormat, claimAuth: claimAuthOf(input.text("--claim-auth")) },
      ...perUserOf(input),
      actor: actorOf(session, input),
      metadata: metadataOf(input),
      ...(forgetDays === undefined ? {} : { forgetUsersAfterDays: forgetDays }),
      ...(await readRedemptionRules(session, input)),
    };
    if (input.text("--every") !== undefined) return createSeries(session, input, drop);
    refuseWithoutEvery(input);
    const startText = input.requiredText("--start");
    const instants = await readInstants(session, input);
    const { start, end } = instants;
    if (start === undefined) throw new Error("a start that was given has not been read");

    const brought = await broughtCodes(session, codesPath, input, given);
    const total = brought?.total ?? given ?? 0;
    const requestId = input.text("--request-id") ?? brought?.requestId ?? randomUUID();
    const request = {
      ...drop,
      total,
      importId: brought?.id ?? "",
      startsAt: timestampFromMs(start.epochMs),
      requestId,
      ...(end === undefined ? {} : { endsAt: timestampFromMs(end.epochMs) }),
    };
    const namedZone = start.zone ?? end?.zone;
    const { createCampaign: method } = CampaignService.method;
    if (dryRunMode(input) !== undefined) {
      const clockMs = await clockForDryRun(session, instants.serverMs);
      await dryRun(session, input, { method, request, namedZone, absent, serverMs: clockMs });
      return;
    }
    const serverMs = await sayStart(session, instants);
    if (!request.onePerUser && request.maxPerUser === 0)
      session.output.note("without --one-per-user: a user may get several");
    // "now" is meant as it is; a date in the past is most often a typing error.
    if (!isRelative(startText) && start.epochMs <= serverMs) {
      const passed = instantText(start.epochMs, session.settings.zone, start.zone);
      await confirm(session, input, {
        what: `create ${name}: its start, ${passed}, has passed, so it opens as soon as its ${counted(total, "code")} ${isOrAre(total)} made`,
      });
    }
    const answer = await call(session, (options) => session.campaigns.createCampaign(request, options), {
      again: "trying again with the same request id",
      advice: `it may have been created: run again with --request-id ${printable(requestId)} and the same instants`,
    }).catch((error: unknown) => {
      throw brought?.requestId === requestId ? brought.refused(error) : error;
    });
    const made: Made = { campaign: required(answer.campaign) };
    try {
      if (wait) await waitForCodes(session, made, waitMs);
    } finally {
      // Even if the wait fails, the campaign exists, and its id is the result.
      await show(session, made.campaign, answer.notices, requestId, instants);
    }
  },
};

function refuseWithoutEvery(input: Input): void {
  for (const option of ["--zone", "--until", "--series"])
    if (input.text(option) !== undefined)
      throw new UserError(`${option} is of --every, which is not given`, { hint: "--help shows an example" });
}

/**
 * Prints the instants. Asks for the server's clock where it is unknown; if the call fails, prints them
 * without it and throws.
 */
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
  if (!output.interactive) output.note(`waiting for the ${counted(total, "code")} of ${id}`);
  const deadline = limitedSignal(waitMs, signal);
  try {
    await followCampaign(
      { ...session, signal: deadline.signal },
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
    if (!deadline.isLate()) throw error;
    const done = `${grouped(made.campaign.generated)} of ${counted(total, "code")} ${total === 1 ? "was" : "were"} made in ${waitMs} ms`;
    throw new UserError(`${id} was created, but only ${done}`, {
      hint: `coupon watch ${id} goes on`,
      exitCode: exitCodes.unavailable,
    });
  } finally {
    deadline.clear();
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
  { start, end, serverMs }: NewInstants,
): Promise<void> {
  const { output, settings } = session;
  if (output.json) {
    const shown = { campaign: toJson(CampaignSchema, campaign, jsonOptions), notices, requestId };
    await output.write(`${JSON.stringify(shown)}\n`);
    return;
  }
  const { id } = campaign;
  const alsoZones = namedZones({ start, end });
  const facts = campaignFacts(campaign, { zone: settings.zone, serverMs, alsoZones });
  const issueKey = campaign.maxPerUser > 0 || campaign.onePerUser ? " --user USER" : "";
  await output.write(
    `${output.style("bold", `created ${id}`)}  ${paintedState(output, campaign.state)}\n${factLines([...facts, ["request id", printable(requestId)]])}` +
      noticeLines(notices, settings.zone) +
      nextLines([
        [output.spelled(`coupon preflight ${id}`), "will it open?"],
        [output.spelled(`coupon launch ${id}`), "the whole screen of its launch"],
        [output.spelled(`coupon watch ${id}`), "the same in one line"],
        [output.spelled(`coupon issue ${id}${issueKey}`), "claim one"],
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
