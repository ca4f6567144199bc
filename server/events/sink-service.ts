import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { actorOf } from "../../access/operators.ts";
import { invalid, valid } from "../../campaign/valid.ts";
import type { Breaker } from "../../claims/breaker.ts";
import type { EventSinks } from "../../events/sinks/event-sinks.ts";
import { newWebhookSecret, rotatedSecrets } from "../../events/sinks/webhook-secrets.ts";
import type { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { DeadLetters } from "../../record/dead-letters.ts";
import type { SinkSettings } from "../../record/event-documents.ts";
import type { SinkCursors } from "../../record/sink-cursors.ts";
import { type SeenSink, SINKS_MAX, type SinkChange, type Sinks } from "../../record/sinks.ts";
import type { Clock } from "../../runtime/clock.ts";
import { operatorIn } from "../rpc/operator-gate.ts";
import { createRefuse } from "../rpc/refuse.ts";
import { validActor } from "../rpc/validation.ts";
import type { ProcessLook } from "../watch/process-look.ts";
import { isSameSink } from "./same-sink.ts";
import type { SinkFacts } from "./sink-facts.ts";
import { createSinkNamed } from "./sink-named.ts";
import { changedSettings, judgedSettings, newSettings } from "./sink-settings.ts";
import { viewSink } from "./sink-view.ts";
import {
  validEventCampaign,
  validOverlap,
  validSinkName,
  validThresholds,
  validTypes,
} from "./valid-sink.ts";

export type SinkServiceDeps = {
  readonly sinks: Sinks;
  readonly cursors: Pick<SinkCursors, "removeOf">;
  readonly deadLetters: Pick<DeadLetters, "removeOf">;
  readonly campaigns: Pick<Campaigns, "find">;
  readonly sinkFacts: (sinks: readonly SeenSink[]) => Promise<(sink: SeenSink) => SinkFacts>;
  readonly eventSinks: Pick<EventSinks, "troubleOf">;
  readonly processLook: ProcessLook;
  readonly reads: Pick<Breaker, "ask">;
  readonly clock: Clock;
};

type SinkService = Pick<
  ServiceImpl<typeof EventService>,
  | "addSink"
  | "listSinks"
  | "getSink"
  | "pauseSink"
  | "resumeSink"
  | "updateSink"
  | "rotateSinkSecret"
  | "removeSink"
>;

/** A process without a heartbeat for so long does not count: each writes one a second. */
const HEARD_WITHIN_MS = 10_000;
/** How often a change that another one came between is tried. */
const TRIES_MAX = 5;

/** The part of the events' service that sets sinks up. */
export function createSinkService(deps: SinkServiceDeps): SinkService {
  const { sinks, cursors, deadLetters, campaigns, sinkFacts, eventSinks, processLook, reads, clock } = deps;
  const { refuse, orRefuse } = createRefuse(clock);
  const find = createSinkNamed(sinks, reads, refuse);

  const byOf = ({ actor }: { readonly actor: string }, { values }: HandlerContext) =>
    actorOf(operatorIn(values), orRefuse(validActor(actor)));

  async function view(seen: readonly SeenSink[]) {
    const [factsOf, processes = []] = await Promise.all([reads.ask(() => sinkFacts(seen)), processLook()]);
    return seen.map((sink) => viewSink(sink, factsOf(sink), processes));
  }

  /** A sink after a change; `isChanged`: not, where it was so before. */
  async function changed(name: string, isChanged: boolean) {
    const [sink] = await view([await find(name)]);
    return { ...(sink === undefined ? {} : { sink }), already: !isChanged };
  }

  async function deliverers(): Promise<number> {
    const processes = (await processLook()) ?? [];
    return processes.filter(({ roles, ageMs }) => roles.includes("events") && ageMs <= HEARD_WITHIN_MS)
      .length;
  }

  /** Changes a sink as it was read, and again where another change came between. */
  async function change(name: string, by: string, plan: (sink: SeenSink) => SinkChange | undefined) {
    for (let tried = 0; tried < TRIES_MAX; tried++) {
      const sink = await find(name);
      const planned = plan(sink);
      if (planned === undefined) return changed(name, false);
      if ((await sinks.change(name, by, planned, sink.settings)) !== null) return changed(name, true);
    }
    throw refuse({ reason: "OVERLOADED", why: "other operators are changing this sink" });
  }

  return {
    async addSink(request, context) {
      const name = orRefuse(validSinkName(request.name));
      const { settings, madeSecret } = orRefuse(newSettings(request, eventSinks));
      const campaignId = orRefuse(validEventCampaign(request.campaignId));
      const types = orRefuse(validTypes(request.types));
      const thresholds = orRefuse(validThresholds(request.thresholds));
      const addedBy = byOf(request, context);
      if (campaignId !== undefined && (await reads.ask(() => campaigns.find(campaignId))) === null)
        throw refuse({ reason: "UNKNOWN_CAMPAIGN" });
      const wanted = {
        ...{ _id: name, settings, thresholds, addedBy, campaignId, types },
        from: request.fromBeginning ? ("beginning" as const) : ("now" as const),
        ...(request.paused ? { paused: true as const } : {}),
      };
      const known = await reads.ask(() => sinks.find(name));
      if (known === null && (await sinks.count()) >= SINKS_MAX)
        throw refuse({ reason: "TOO_MANY_SINKS", most: SINKS_MAX });
      const added = known === null ? await sinks.add(wanted) : null;
      const found = await find(name);
      if (added === null && !isSameSink(found, wanted, madeSecret !== ""))
        throw refuse({ reason: "SINK_EXISTS", name });
      const [sink] = await view([found]);
      const notices = await noticesOf(added !== null, madeSecret !== "");
      return {
        ...(sink === undefined ? {} : { sink }),
        ...{ secret: added === null ? "" : madeSecret, already: added === null, notices },
      };
    },

    async listSinks() {
      const listed = await view(await reads.ask(() => sinks.list()));
      return { sinks: listed, processes: await deliverers(), serverTime: timestampFromMs(clock.now()) };
    },

    async getSink(request) {
      const [sink] = await view([await find(orRefuse(validSinkName(request.name)))]);
      return { ...(sink === undefined ? {} : { sink }), serverTime: timestampFromMs(clock.now()) };
    },

    async pauseSink(request, context) {
      const name = orRefuse(validSinkName(request.name));
      return changed(name, (await sinks.pause(name, byOf(request, context))) !== null);
    },

    async resumeSink(request, context) {
      const name = orRefuse(validSinkName(request.name));
      return changed(name, (await sinks.resume(name, byOf(request, context))) !== null);
    },

    async updateSink(request, context) {
      const name = orRefuse(validSinkName(request.name));
      const { allTypes, noThresholds } = request;
      if (allTypes && request.types.length > 0)
        orRefuse(invalid("types", "must be empty where all_types is true"));
      if (noThresholds && request.thresholds.length > 0)
        orRefuse(invalid("thresholds", "must be empty where no_thresholds is true"));
      const types = allTypes ? null : orRefuse(validTypes(request.types));
      const given = orRefuse(validThresholds(request.thresholds));
      const thresholds = noThresholds || given.length > 0 ? given : undefined;
      const movesIt = request.url !== "" || request.exchange !== "" || request.batched !== undefined;
      if (!movesIt && types === undefined && thresholds === undefined)
        orRefuse(
          invalid(
            "url, exchange, types, all_types, thresholds, no_thresholds, batched",
            "give at least one of them: there is nothing to change",
          ),
        );
      return change(name, byOf(request, context), (sink) => {
        const settings = orRefuse(
          movesIt ? changedSettings(sink.settings, request, eventSinks) : valid(undefined),
        );
        return isSameAfter(sink, { settings, types, thresholds })
          ? undefined
          : { settings, types, thresholds };
      });
    },

    async rotateSinkSecret(request, context) {
      const name = orRefuse(validSinkName(request.name));
      const overlapMs = orRefuse(validOverlap(request.overlapMs, request.noOverlap));
      const secret = request.secret === "" ? newWebhookSecret() : request.secret;
      const { sink } = await change(name, byOf(request, context), ({ settings, now }) => {
        if (settings.kind !== "webhook")
          return orRefuse(invalid("name", "must be that of a webhook: RabbitMQ has no secret of ours"));
        const secrets = rotatedSecrets(settings.secrets, secret, { nowMs: now.getTime(), overlapMs });
        return { settings: orRefuse(judgedSettings({ ...settings, secrets }, eventSinks)) };
      });
      return { ...(sink === undefined ? {} : { sink }), secret: request.secret === "" ? secret : "" };
    },

    async removeSink(request, context) {
      const name = orRefuse(validSinkName(request.name));
      byOf(request, context);
      const removed = await sinks.remove(name);
      if (removed === null) throw refuse({ reason: "UNKNOWN_SINK", name });
      // A process that delivers to it may write a cursor once more, with its last batch; nobody reads that.
      const [letters] = await Promise.all([deadLetters.removeOf(removed.key), cursors.removeOf(removed.key)]);
      return { deadLetters: BigInt(letters) };
    },
  };

  async function noticesOf(isNew: boolean, isMade: boolean): Promise<string[]> {
    const notices: string[] = [];
    if ((await deliverers()) === 0)
      notices.push("no process with the role events has a heartbeat: nothing is delivered before one starts");
    if (!isNew && isMade)
      notices.push(
        "its secret was shown when it was made, and is not shown again: RotateSinkSecret makes a new one",
      );
    return notices;
  }
}

function isSameAfter(sink: SeenSink, { settings, types, thresholds }: SinkChange): boolean {
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  const old: SinkSettings = sink.settings;
  return (
    (settings === undefined || same(settings, old)) &&
    (types === undefined || same(types, sink.types ?? null)) &&
    (thresholds === undefined || same(thresholds, sink.thresholds))
  );
}
