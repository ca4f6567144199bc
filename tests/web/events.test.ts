import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { EventLevel, type WatchEvent, WatchEventSchema } from "../../proto/gen/coupon/v1/watch_pb.ts";
import { EVENTS_MAX, type SeenEvent, withEvents } from "../../web/console/watch/events.ts";

describe("the console's list of events", () => {
  it("has each change of the history once, however often a stream tells it", () => {
    const told = [event(1, "state", "GENERATING → SCHEDULED", 2), event(5, "change", "anna paused", 3)];
    const twoOfOne = event(5, "state", "SCHEDULED → PAUSED", 3);
    const list = withEvents(withEvents([], told, true), [...told, twoOfOne], true);
    expect(textsOf(list)).to.deep.equal(["GENERATING → SCHEDULED", "anna paused", "SCHEDULED → PAUSED"]);
    expect(new Set(list.map(({ key }) => key)).size).to.equal(3);
  });

  it("leaves out what a new stream tells again with another instant, and keeps what happened again", () => {
    const late = (atMs: number) => event(atMs, "state", "the start has passed and it is not open");
    const down = (atMs: number) => event(atMs, "redis", "Redis does not answer");
    let list = withEvents([], [late(1), down(2)], true);
    list = withEvents(list, [late(9), down(9)], true);
    expect(textsOf(list)).to.have.length(2);
    list = withEvents(list, [event(10, "redis", "Redis answers again"), down(11)], false);
    expect(textsOf(list).slice(2)).to.deep.equal(["Redis answers again", "Redis does not answer"]);
  });

  it("is the same list where there is nothing new, and never longer than its limit", () => {
    const first = withEvents([], [event(1, "process", "a server started")], true);
    expect(withEvents(first, [], false)).to.equal(first);
    const many = Array.from({ length: EVENTS_MAX }, (_, i) => event(i + 2, "process", `server ${i}`));
    const list = withEvents(first, many, false);
    expect(list).to.have.length(EVENTS_MAX);
    expect(textsOf(list)[0]).to.equal("server 0");
  });
});

function event(atMs: number, kind: string, text: string, revision?: number): WatchEvent {
  return create(WatchEventSchema, {
    at: timestampFromMs(atMs),
    level: EventLevel.INFO,
    ...{ kind, text },
    ...(revision === undefined ? {} : { revision }),
  });
}

const textsOf = (list: readonly SeenEvent[]): string[] => list.map(({ event }) => event.text);
