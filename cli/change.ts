/**
 * The common part of all verbs that change a campaign: the actor, the dry run, the question before a change
 * that cannot be undone, the call, and the output. A verb gives its own request and the words for it.
 */
import { randomUUID } from "node:crypto";
import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";
import { type Campaign, CampaignSchema } from "../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { call } from "./call.ts";
import type { Input } from "./command.ts";
import { confirm, type Question } from "./confirm.ts";
import { clockForDryRun, dryRun } from "./dry-run.ts";
import { dryRunMode } from "./dry-run-mode.ts";
import { jsonOptions } from "./json.ts";
import { type NewInstants, namedZones, sayInstants } from "./new-instants.ts";
import { paintedState } from "./painted-state.ts";
import { campaignFacts, epochMsOf, factLines, isOver, printable } from "./render.ts";
import { noticeLines } from "./server-words.ts";
import type { Session } from "./session.ts";

/** The fields that every request for a change has, beside its own. */
export interface CommonRequest {
  readonly campaignId: string;
  readonly actor: string;
  readonly requestId: string;
  readonly dryRun: boolean;
}

interface Changed {
  readonly campaign?: Campaign | undefined;
  readonly already: boolean;
  readonly notices: readonly string[];
}

export interface PlannedChange<I extends DescMessage, R extends MessageInitShape<I> & CommonRequest> {
  readonly method: DescMethodUnary<I, DescMessage>;
  readonly request: R;
  readonly send: (request: R, options: CallOptions) => Promise<Changed>;
  /** "paused", as in "paused 01J…" and "already paused". */
  readonly done: string;
  /** The instants that the operator gave; they are printed in full before anything is sent. */
  readonly instants?: NewInstants;
  /** The question before the request is sent; undefined: the change can be undone. */
  readonly question?: (campaign: Campaign, serverMs: number) => Question | undefined;
}

export function actorOf(session: Session, input: Input): string {
  return input.text("--actor") ?? session.settings.actor;
}

export function commonRequest(session: Session, input: Input): CommonRequest {
  return {
    campaignId: input.campaignId,
    actor: actorOf(session, input),
    requestId: input.text("--request-id") ?? randomUUID(),
    dryRun: dryRunMode(input) === "server",
  };
}

/** @throws UserError with exit code 7 where the operator does not agree */
export async function makeChange<I extends DescMessage, R extends MessageInitShape<I> & CommonRequest>(
  session: Session,
  input: Input,
  planned: PlannedChange<I, R>,
): Promise<void> {
  const { method, request, send, instants, question } = planned;
  const namedZone = instants?.start?.zone ?? instants?.end?.zone;
  const absent = absentWords(request);
  const isDry = dryRunMode(input) === "client";
  if (input.flag("--check") === true) {
    session.output.note("--check is deprecated and goes with the next release; use --dry-run=server");
  }
  const dryMs =
    isDry && instants?.start !== undefined ? await clockForDryRun(session, instants.serverMs) : undefined;
  if (await dryRun(session, input, { method, request, namedZone, absent, serverMs: dryMs })) return;
  const asks = question !== undefined && !request.dryRun && input.flag("--yes") !== true;
  // A start is shown with the time left until it, by the server's clock.
  const standing = asks || instants?.start !== undefined ? await readStanding(session, request) : undefined;
  // For a campaign that can no longer open, only the refusal is shown.
  const opens =
    standing === undefined || (standing.campaign.openedAt === undefined && !isOver(standing.campaign.state));
  if (instants !== undefined && opens) sayInstants(session, instants, standing?.serverMs);
  const asked = asks && standing !== undefined ? question(standing.campaign, standing.serverMs) : undefined;
  if (asked !== undefined) {
    // The operator is not asked about a change that would be refused, or that has already been made.
    const judged = await call(session, (options) => send({ ...request, dryRun: true }, options));
    if (judged.already) return show(session, request, judged, planned);
    await confirm(session, input, asked);
  }
  const changed = await call(session, (options) => send(request, options), {
    again: "trying again with the same request id",
    advice: `it may have been done: run again with --request-id ${printable(request.requestId)}`,
  });
  await show(session, request, changed, planned);
}

/** The words for fields that the request does not contain: they stay unchanged. */
function absentWords(request: object): Record<string, string> {
  const removesEnd = "noEnd" in request && request.noEnd === true;
  const keepsUsers = "keepUsers" in request && request.keepUsers === true;
  return {
    endsAt: removesEnd ? "(none from now on)" : "(unchanged)",
    name: "(unchanged)",
    forgetUsersAfterDays: keepsUsers ? "(never from now on)" : "(unchanged)",
    setMetadata: "(unchanged)",
    removeMetadata: "(unchanged)",
  };
}

/** The campaign before the change, and the server's clock. */
async function readStanding(session: Session, { campaignId }: CommonRequest) {
  const request = { campaignId, view: CampaignView.BASIC };
  const { campaign, serverTime } = await call(session, (options) =>
    session.campaigns.getCampaign(request, options),
  );
  if (campaign === undefined) throw new Error("the service answered without a campaign");
  return { campaign, serverMs: epochMsOf(serverTime) ?? Date.now() };
}

async function show(
  session: Session,
  common: CommonRequest,
  changed: Changed,
  { done, instants }: { readonly done: string; readonly instants?: NewInstants },
): Promise<void> {
  const { output, settings } = session;
  const { campaign, already, notices } = changed;
  if (campaign === undefined) throw new Error("the service answered without a campaign");
  if (output.json) {
    const shown = {
      campaign: toJson(CampaignSchema, campaign, jsonOptions),
      already,
      notices,
      requestId: common.requestId,
      ...(common.dryRun ? { check: true } : {}),
    };
    await output.write(`${JSON.stringify(shown)}\n`);
    return;
  }
  const verb = already ? `already ${done}` : common.dryRun ? `would be ${done}` : done;
  const alsoZones = namedZones(instants);
  const facts = campaignFacts(campaign, { zone: settings.zone, serverMs: undefined, alsoZones });
  await output.write(
    `${output.style("bold", `${verb}: ${campaign.id}`)}  ${paintedState(output, campaign.state)}\n${factLines(facts)}` +
      noticeLines(notices, settings.zone),
  );
  if (common.dryRun) output.note("checked by the service; nothing was changed");
}

/** How many coupons of the campaign have no holder, by the counts in the answer. */
export function unissued({ total, issued }: Campaign): number {
  return Math.max(0, total - issued);
}
