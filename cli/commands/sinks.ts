import { toJson } from "@bufbuild/protobuf";
import { enumName } from "../../proto/enum-name.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { type Sink, SinkKind, SinkKindSchema, SinkSchema } from "../../proto/gen/coupon/v1/sink_pb.ts";
import { grouped } from "../../runtime/counting.ts";
import { call } from "../call.ts";
import { actorOf } from "../change.ts";
import type { Action, Input } from "../command.ts";
import { confirm } from "../confirm.ts";
import { dryRun } from "../dry-run.ts";
import { exitCodes } from "../exit-code.ts";
import { jsonOptions } from "../json.ts";
import { epochMsOf, factLines, instantText, printable } from "../render.ts";
import type { Session } from "../session.ts";
import { newWebhookSecret, secretIn, urlIn } from "../sink-secrets.ts";
import { listOf } from "../text-list.ts";
import { UserError } from "../user-error.ts";
import { sinkVerbs } from "../verbs/sinks.ts";

const { method } = EventService;
const maxOverlapMs = 2_592_000_000;

type Do = (session: Session, input: Input, name: string) => Promise<void>;

const doing: Readonly<Record<(typeof sinkVerbs)[number], Do>> = {
  async list(session) {
    const { output } = session;
    const { sinks, processes } = await call(session, (options) => session.events.listSinks({}, options));
    for (const sink of sinks) await writeSink(session, sink);
    if (sinks.length === 0) output.note("there are no sinks; coupon sinks add adds one");
    else if (processes === 0)
      output.note("no process with the role events has a heartbeat: nothing is delivered");
  },

  async show(session, _input, name) {
    const { sink } = await call(session, (options) => session.events.getSink({ name }, options));
    if (sink !== undefined) await writeSink(session, sink);
  },

  async add(session, input, name) {
    const url = await urlIn(input);
    if (url === undefined) throw new UserError("--to is missing", { hint: "give the url of the receiver" });
    const given = await secretIn(input);
    const isWebhook = !/^amqps?:/i.test(url);
    // Made here, so that a call that is repeated adds the same sink.
    const secret = given ?? (isWebhook ? newWebhookSecret() : "");
    const request = {
      ...{ name, url, secret, exchange: input.text("--exchange") ?? "" },
      campaignId: input.text("--campaign") ?? "",
      ...{ types: listOf(input, "--types") ?? [], thresholds: listOf(input, "--thresholds") ?? [] },
      ...{ fromBeginning: input.flag("--from-beginning") === true, paused: input.flag("--paused") === true },
      ...{ batched: input.flag("--batched") === true, actor: actorOf(session, input) },
    };
    const shown = { ...request, url: "(given)", secret: secret === "" ? "" : "(secret)" };
    if (await dryRun(session, input, { method: method.addSink, request: shown })) return;
    const answer = await call(session, (options) => session.events.addSink(request, options), {
      again: "adding it again",
      advice: "the same command with the same secret adds it once",
    });
    for (const notice of answer.notices) session.output.note(notice);
    const isShown = given === undefined && isWebhook && !answer.already;
    if (answer.already) session.output.note(`there was such a sink ${name}: nothing was changed`);
    await writeSink(session, answer.sink, isShown ? secret : undefined);
  },

  async test(session, _input, name) {
    const { output } = session;
    const options = { signal: session.signal, timeoutMs: Math.max(session.settings.timeoutMs, 80_000) };
    const { delivered, finding, tookMs, process } = await call(session, () =>
      session.events.testSink({ name }, options),
    );
    const by = process === undefined ? "" : `, tried by ${process.host}/${process.pid}`;
    const told = { delivered, finding, tookMs: Number(tookMs) };
    await output.write(
      output.json ? `${JSON.stringify(told)}\n` : `${printable(finding)} (${tookMs} ms${printable(by)})\n`,
    );
    if (!delivered)
      throw new UserError(`the sink ${name} did not take the test`, {
        hint: "coupon sinks show tells more; docs/events.md has what a receiver answers",
        exitCode: exitCodes.refused,
      });
  },

  async pause(session, input, name) {
    const request = { name, actor: actorOf(session, input) };
    if (await dryRun(session, input, { method: method.pauseSink, request })) return;
    const { sink } = await call(session, (options) => session.events.pauseSink(request, options));
    await writeSink(session, sink);
  },

  async resume(session, input, name) {
    const request = { name, actor: actorOf(session, input) };
    if (await dryRun(session, input, { method: method.resumeSink, request })) return;
    const { sink } = await call(session, (options) => session.events.resumeSink(request, options));
    await writeSink(session, sink);
  },

  async edit(session, input, name) {
    const batched = input.flag("--batched");
    const request = {
      ...{ name, url: (await urlIn(input)) ?? "", exchange: input.text("--exchange") ?? "" },
      ...{ types: listOf(input, "--types") ?? [], allTypes: input.flag("--all-types") === true },
      thresholds: listOf(input, "--thresholds") ?? [],
      noThresholds: input.flag("--thresholds") === false,
      ...(batched === undefined ? {} : { batched }),
      actor: actorOf(session, input),
    };
    const shown = { ...request, url: request.url === "" ? "" : "(given)" };
    if (await dryRun(session, input, { method: method.updateSink, request: shown })) return;
    const { sink } = await call(session, (options) => session.events.updateSink(request, options));
    await writeSink(session, sink);
  },

  async rotate(session, input, name) {
    const given = await secretIn(input);
    const secret = given ?? newWebhookSecret();
    const overlapMs = BigInt(input.wholeNumber("--overlap", 1, maxOverlapMs) ?? 0);
    const noOverlap = input.flag("--overlap") === false;
    const request = { name, secret, overlapMs, noOverlap, actor: actorOf(session, input) };
    const shown = { ...request, secret: "(secret)" };
    if (await dryRun(session, input, { method: method.rotateSinkSecret, request: shown })) return;
    const { sink } = await call(session, (options) => session.events.rotateSinkSecret(request, options));
    await writeSink(session, sink, given === undefined ? secret : undefined);
  },

  async remove(session, input, name) {
    const request = { name, actor: actorOf(session, input) };
    if (await dryRun(session, input, { method: method.removeSink, request })) return;
    const { sink } = await call(session, (options) => session.events.getSink({ name }, options));
    const letters = grouped(Number(sink?.delivery?.deadLetters ?? 0n));
    await confirm(session, input, { what: `remove the sink ${name} with its ${letters} dead letters` });
    const { deadLetters } = await call(session, (options) => session.events.removeSink(request, options));
    const { output } = session;
    await output.write(
      output.json
        ? `${JSON.stringify({ removed: name, deadLetters: Number(deadLetters) })}\n`
        : `removed ${name}\n`,
    );
  },
};

export const action: Action = {
  async run(session, input) {
    const verb = sinkVerbs.find((known) => known === input.argument);
    if (verb === undefined)
      throw new UserError(`"${input.argument}" is nothing that sinks can do`, {
        hint: `give one of ${sinkVerbs.join(", ")}`,
      });
    const name = input.second;
    if (verb !== "list" && name === undefined)
      throw new UserError("the name of the sink is missing", { hint: "coupon sinks list shows them" });
    await doing[verb](session, input, name ?? "");
  },
};

/** `secret`: one that was made, and is shown this once. */
async function writeSink(session: Session, sink: Sink | undefined, secret?: string): Promise<void> {
  if (sink === undefined) return;
  const { output, settings } = session;
  if (output.json) {
    const told = Object(toJson(SinkSchema, sink, jsonOptions));
    await output.write(`${JSON.stringify({ ...told, ...(secret === undefined ? {} : { secret }) })}\n`);
    return;
  }
  const { name, target, kind, campaignId, types, thresholds, paused, goneBecause, delivery } = sink;
  const since = epochMsOf(sink.since);
  const deliveredAt = epochMsOf(delivery?.lastDeliveredAt);
  const { process, lagMs = 0n, lastError = "" } = delivery ?? {};
  const state = goneBecause !== "" ? `paused: ${goneBecause}` : paused ? "paused" : "delivering";
  const [first] = delivery?.failing ?? [];
  const facts: [string, string][] = [
    ["kind", kind === SinkKind.UNSPECIFIED ? "?" : enumName(SinkKindSchema, kind).toLowerCase()],
    ["target", printable(target)],
    ["state", printable(state)],
    ["events", `${campaignId === "" ? "all campaigns" : campaignId}, ${types.join(", ") || "all types"}`],
    ...(thresholds.length === 0 ? [] : [["stocks", thresholds.join(", ")] as [string, string]]),
    ["since", since === undefined ? "the beginning" : instantText(since, settings.zone)],
    [
      "delivered",
      `${grouped(Number(delivery?.delivered ?? 0n))}, ${grouped(Number(delivery?.waiting ?? 0n))} wait`,
    ],
    ...(deliveredAt === undefined
      ? []
      : [["last delivery", instantText(deliveredAt, settings.zone)] as [string, string]]),
    ["lag", `${(Number(lagMs) / 1_000).toFixed(1)} s`],
    ["failed", `${grouped(Number(delivery?.failedAttempts ?? 0n))} attempts`],
    ["dead letters", grouped(Number(delivery?.deadLetters ?? 0n))],
    ["process", process === undefined ? "none" : printable(`${process.host}/${process.pid}`)],
    ...(lastError === "" ? [] : [["last error", printable(lastError)] as [string, string]]),
    ...(first === undefined
      ? []
      : [["failing", `${first.campaignId}, ${first.attempts} attempts`] as [string, string]]),
    ...(secret === undefined ? [] : [["secret, shown once", secret] as [string, string]]),
  ];
  await output.write(`${output.style("bold", printable(name))}\n${factLines(facts)}`);
}
