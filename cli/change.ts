/**
 * What all verbs that change a campaign have in common: who does it, the dry run, the question before what cannot be undone, the
 * call, and how the answer is shown. A verb gives its request without these and says what it does in words.
 */
import { randomUUID } from "node:crypto";
import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";
import { type Campaign, CampaignSchema } from "../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { call } from "./call.ts";
import type { Input, OptionSpec } from "./command.ts";
import { confirm, type Question, yesOption } from "./confirm.ts";
import { dryRun, dryRunOption } from "./dry-run.ts";
import { jsonOptions } from "./json.ts";
import { paintedState } from "./output.ts";
import { campaignFacts, factLines, printable } from "./render.ts";
import type { Session } from "./session.ts";

export const changeOptions: readonly OptionSpec[] = [
  { flags: "--actor <text>", about: "who does it, for the history (env COUPON_ACTOR, default user@host)" },
  { flags: "--request-id <id>", about: "idempotency key; one is made if none is given" },
  { flags: "--check", about: "ask the service what would come of it, and change nothing" },
  dryRunOption,
];

/** For verbs that ask before they go on. */
export const finalChangeOptions: readonly OptionSpec[] = [...changeOptions, yesOption];

/** What every request for a change carries beside its own fields. */
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

export interface PlannedChange<I extends DescMessage> {
  readonly method: DescMethodUnary<I, DescMessage>;
  readonly request: MessageInitShape<I>;
  readonly send: (options: CallOptions) => Promise<Changed>;
  /** "paused", as in "paused 01J…" and "already paused". */
  readonly done: string;
  /** What is asked before it is sent; undefined: it can be taken back. */
  readonly question?: (campaign: Campaign) => Question;
  /** The zone that the operator named in an instant. */
  readonly namedZone?: string | undefined;
}

export function commonRequest(session: Session, input: Input): CommonRequest {
  return {
    campaignId: input.campaignId,
    actor: input.text("--actor") ?? session.settings.actor,
    requestId: input.text("--request-id") ?? randomUUID(),
    dryRun: input.flag("--check") === true,
  };
}

/** @throws UserError with exit code 7 where the operator does not agree */
export async function makeChange<I extends DescMessage>(
  session: Session,
  input: Input,
  common: CommonRequest,
  planned: PlannedChange<I>,
): Promise<void> {
  const { method, request, send, done, question, namedZone } = planned;
  if (await dryRun(session, input, { method, request, namedZone })) return;
  if (question !== undefined && !common.dryRun && input.flag("--yes") !== true) {
    const { campaignId } = common;
    const { campaign } = await call(session, (options) =>
      session.campaigns.getCampaign({ campaignId, view: CampaignView.BASIC }, options),
    );
    if (campaign === undefined) throw new Error("the service answered without a campaign");
    await confirm(session, input, question(campaign));
  }
  const changed = await call(session, send, {
    again: "trying again with the same request id",
    advice: `it may have been done: run again with --request-id ${printable(common.requestId)}`,
  });
  await show(session, common, changed, done);
}

async function show(session: Session, common: CommonRequest, changed: Changed, done: string): Promise<void> {
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
  const facts = campaignFacts(campaign, { zone: settings.zone, serverMs: undefined });
  await output.write(
    `${output.style("bold", `${verb}: ${campaign.id}`)}  ${paintedState(output, campaign.state)}\n${factLines(facts)}` +
      notices.map((notice) => `  note: ${printable(notice)}\n`).join(""),
  );
  if (common.dryRun) output.note("checked by the service; nothing was changed");
}

/** How many of its coupons nobody has, as far as the answer tells. */
export function unissued({ total, issued }: Campaign): number {
  return Math.max(0, total - issued);
}
