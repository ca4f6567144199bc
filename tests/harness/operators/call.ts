import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { stamp } from "../../../audit/history.ts";
import { type Campaign, CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { RefusalReason, RefusalSchema } from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import type { RecordedState } from "../../../record/documents.ts";
import type { Clients } from "../../support/clients.ts";

/** The change that an operator asks for. Ends: an instant in ms, null: none. */
export type Wish =
  | { readonly verb: "pause" | "resume" | "end" | "cancel" }
  | { readonly verb: "reschedule"; readonly startsAtMs: number; readonly endsAtMs?: number | null }
  | { readonly verb: "add"; readonly count: number }
  | { readonly verb: "edit-name"; readonly name: string }
  | { readonly verb: "edit-end"; readonly endsAtMs: number | null };

export type Moment = ReturnType<typeof stamp>;

/** One call of an operator and its answer, on the operator's clocks. */
export type Call = {
  readonly wish: Wish;
  readonly actor: string;
  readonly requestId: string;
  readonly dryRun: boolean;
  readonly server: number;
  readonly invoked: Moment;
  readonly answered: Moment;
  readonly answer: CallAnswer;
};

export type CallAnswer =
  | { readonly kind: "changed" | "already"; readonly state: RecordedState }
  | {
      readonly kind: "refused";
      /** Without the enum's prefix. */
      readonly reason: string;
      /** Only for NOT_ALLOWED. */
      readonly state: RecordedState | undefined;
      readonly allowed: readonly string[];
      readonly message: string;
    }
  /** The change may or may not have happened. */
  | { readonly kind: "unknown"; readonly message: string };

export type CallPlan = Pick<Call, "wish" | "actor" | "requestId" | "dryRun" | "server">;

export async function makeCall(clients: Clients, campaignId: string, plan: CallPlan): Promise<Call> {
  const invoked = stamp();
  const answer = await ask(clients, campaignId, plan);
  return { ...plan, invoked, answered: stamp(), answer };
}

async function ask(clients: Clients, campaignId: string, plan: CallPlan): Promise<CallAnswer> {
  const { wish, actor, requestId, dryRun } = plan;
  try {
    const { campaign, already } = await send(clients, { campaignId, actor, requestId, dryRun }, wish);
    return { kind: already ? "already" : "changed", state: stateOf(campaign?.state) };
  } catch (error) {
    const { message, code } = ConnectError.from(error);
    const [refusal] = ConnectError.from(error).findDetails(RefusalSchema);
    if (refusal === undefined || refusal.reason === RefusalReason.UNCERTAIN)
      return { kind: "unknown", message: `${code}: ${message}` };
    const { reason, state, allowed } = refusal;
    return {
      ...{ kind: "refused" as const, reason: nameOf(RefusalReason, reason), message, allowed },
      state: state === CampaignState.UNSPECIFIED ? undefined : stateOf(state),
    };
  }
}

type Common = { campaignId: string; actor: string; requestId: string; dryRun: boolean };

function send({ campaigns }: Clients, common: Common, wish: Wish): Promise<Told> {
  switch (wish.verb) {
    case "pause":
      return campaigns.pauseCampaign(common);
    case "resume":
      return campaigns.resumeCampaign(common);
    case "end":
      return campaigns.endCampaign(common);
    case "cancel":
      return campaigns.cancelCampaign(common);
    case "reschedule":
      return campaigns.rescheduleCampaign({
        ...common,
        startsAt: timestampFromMs(wish.startsAtMs),
        ...end(wish.endsAtMs),
      });
    case "add":
      return campaigns.addCoupons({ ...common, count: wish.count });
    case "edit-name":
      return campaigns.updateCampaign({ ...common, name: wish.name });
    case "edit-end":
      return campaigns.updateCampaign({ ...common, ...end(wish.endsAtMs) });
    default:
      return wish satisfies never;
  }
}

type Told = { campaign?: Campaign | undefined; already: boolean };

function end(endsAtMs: number | null | undefined) {
  if (endsAtMs === undefined) return {};
  return endsAtMs === null ? { noEnd: true } : { endsAt: timestampFromMs(endsAtMs) };
}

export function stateOf(state: CampaignState | undefined): RecordedState {
  return nameOf(CampaignState, state) as RecordedState;
}

function nameOf(names: Readonly<Record<string, number>>, value: number | undefined): string {
  return Object.keys(names).find((name) => names[name] === value) ?? `${value}`;
}

/** One line, for people. */
export function describeCall({ wish, actor, dryRun, server, answer, invoked, answered }: Call): string {
  const { verb, ...what } = wish;
  const came = answer.kind === "refused" ? `${answer.reason} in ${answer.state ?? "?"}` : answer.kind;
  const took = answered.atMs - invoked.atMs;
  const words = `${actor} ${verb} ${JSON.stringify(what)}${dryRun ? " (dry run)" : ""}`;
  return `${new Date(invoked.atMs).toISOString().slice(14, 23)} +${took} ms  ${words} at ${server}: ${came}`;
}
