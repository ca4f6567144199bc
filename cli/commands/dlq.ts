import { toJson } from "@bufbuild/protobuf";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { DeadLetterSchema } from "../../proto/gen/coupon/v1/sink_pb.ts";
import { counted } from "../../runtime/counting.ts";
import { call } from "../call.ts";
import { actorOf } from "../change.ts";
import type { Action, Input } from "../command.ts";
import { confirm } from "../confirm.ts";
import { dryRun } from "../dry-run.ts";
import { jsonOptions } from "../json.ts";
import { pagesOf } from "../pages.ts";
import { epochMsOf, instantText, printable } from "../render.ts";
import type { Session } from "../session.ts";
import { listOf } from "../text-list.ts";
import { UserError } from "../user-error.ts";
import { defaultLimit } from "../verbs/dlq.ts";

const { method } = EventService;
const maxLimit = 100_000;
const pageSize = 500;

export const action: Action = {
  async run(session, input) {
    const { argument } = input;
    if (argument === "list") return list(session, input);
    if (argument !== "replay" && argument !== "drop")
      throw new UserError(`"${argument}" is nothing that dlq can do`, { hint: "give list, replay or drop" });
    const sink = input.second;
    if (sink === undefined)
      throw new UserError("the name of the sink is missing", { hint: "coupon sinks list shows them" });
    const ids = listOf(input, "--id") ?? [];
    const all = input.flag("--all") === true;
    if (ids.length === 0 && !all)
      throw new UserError("give --id or --all", { hint: "coupon dlq list shows them" });
    const request = { sink, ids, all, actor: actorOf(session, input) };
    const { output } = session;
    if (argument === "replay") {
      if (await dryRun(session, input, { method: method.replayDeadLetters, request })) return;
      const answer = await call(session, (options) => session.events.replayDeadLetters(request, options));
      const replaying = Number(answer.replaying);
      const words = `${counted(replaying, "dead letter is", "dead letters are")} delivered once more`;
      return output.write(output.json ? `${JSON.stringify({ replaying })}\n` : `${words}\n`);
    }
    if (await dryRun(session, input, { method: method.dropDeadLetters, request })) return;
    const what = all ? `all dead letters of ${sink}` : `${counted(ids.length, "dead letter")} of ${sink}`;
    await confirm(session, input, { what: `drop ${what}: their events are never delivered` });
    const answer = await call(session, (options) => session.events.dropDeadLetters(request, options));
    const dropped = Number(answer.dropped);
    const words = `${counted(dropped, "dead letter")} dropped`;
    await output.write(output.json ? `${JSON.stringify({ dropped })}\n` : `${words}\n`);
  },
};

async function list(session: Session, input: Input): Promise<void> {
  const { output, settings } = session;
  const limit = input.wholeNumber("--limit", 1, maxLimit) ?? defaultLimit;
  let left = limit;
  const pages = pagesOf(session, (pageToken, options) =>
    session.events.listDeadLetters(
      { sink: input.second ?? "", pageSize: Math.min(left, pageSize), pageToken },
      options,
    ),
  );
  for await (const { deadLetters } of pages) {
    for (const letter of deadLetters) {
      if (output.json) {
        await output.write(`${JSON.stringify(toJson(DeadLetterSchema, letter, jsonOptions))}\n`);
        continue;
      }
      const at = instantText(epochMsOf(letter.at) ?? 0, settings.zone);
      const state = letter.replaying ? ", being replayed" : "";
      const head = `${letter.id}  ${letter.sink}  ${counted(letter.events, "event")}${state}`;
      await output.write(
        `${printable(head)}\n        put aside ${at}, after ${letter.attempts} attempts: ${printable(letter.error)}\n`,
      );
    }
    left -= deadLetters.length;
    if (left <= 0) break;
  }
  if (left === limit) output.note("there are no dead letters");
}
