import type { ServiceImpl } from "@connectrpc/connect";
import { invalid } from "../../campaign/valid.ts";
import type { Breaker } from "../../claims/breaker.ts";
import type { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import type { DeadLetters } from "../../record/dead-letters.ts";
import type { Sinks } from "../../record/sinks.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createRefuse } from "../rpc/refuse.ts";
import { validActor, validCount } from "../rpc/validation.ts";
import { createSinkNamed } from "./sink-named.ts";
import { viewDeadLetter } from "./sink-view.ts";
import { validLetters, validSinkName } from "./valid-sink.ts";

export type DeadLetterServiceDeps = {
  readonly sinks: Pick<Sinks, "find">;
  readonly deadLetters: Pick<DeadLetters, "list" | "replay" | "drop">;
  readonly reads: Pick<Breaker, "ask">;
  readonly clock: Clock;
};

type DeadLetterService = Pick<
  ServiceImpl<typeof EventService>,
  "listDeadLetters" | "replayDeadLetters" | "dropDeadLetters"
>;

const PAGE = { most: 500, whenZero: 100 } as const;
const TOKEN_LENGTH_MAX = 300;

/** The part of the events' service that lists dead letters, and has them delivered again or dropped. */
export function createDeadLetterService(deps: DeadLetterServiceDeps): DeadLetterService {
  const { sinks, deadLetters, reads, clock } = deps;
  const { refuse, orRefuse } = createRefuse(clock);
  const find = createSinkNamed(sinks, reads, refuse);

  const sinkNamed = (given: string) => find(orRefuse(validSinkName(given, "sink")));

  /** The place of a letter in the order of the list, which its id is. */
  function placeOf(token: string): string {
    if (token === "") return "";
    const id = Buffer.from(token, "base64url").toString();
    if (token.length > TOKEN_LENGTH_MAX || !/^[\w-]+\/\w+\/\d+-\d+$/.test(id))
      return orRefuse(invalid("page_token", "must be empty or the next_page_token of an earlier answer"));
    return id;
  }

  return {
    async listDeadLetters(request) {
      const { most, whenZero } = PAGE;
      const limit = orRefuse(validCount("page_size", request.pageSize, 1, most, whenZero));
      const after = placeOf(request.pageToken);
      const key = request.sink === "" ? undefined : (await sinkNamed(request.sink)).key;
      const found = await reads.ask(() => deadLetters.list(key, after, limit + 1));
      const shown = found.slice(0, limit);
      const last = found.length > limit ? shown.at(-1)?._id : undefined;
      return {
        deadLetters: shown.map(viewDeadLetter),
        nextPageToken: last === undefined ? "" : Buffer.from(last).toString("base64url"),
      };
    },

    async replayDeadLetters(request) {
      const ids = orRefuse(validLetters(request.ids, request.all));
      orRefuse(validActor(request.actor));
      const { key } = await sinkNamed(request.sink);
      return { replaying: BigInt(await deadLetters.replay(key, ids)) };
    },

    async dropDeadLetters(request) {
      const ids = orRefuse(validLetters(request.ids, request.all));
      orRefuse(validActor(request.actor));
      const { key } = await sinkNamed(request.sink);
      return { dropped: BigInt(await deadLetters.drop(key, ids)) };
    },
  };
}
