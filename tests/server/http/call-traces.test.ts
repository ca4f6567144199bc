import type { IncomingMessage } from "node:http";
import { expect } from "chai";
import { traceContextOf } from "../../../runtime/trace-context.ts";
import { createCallIds } from "../../../server/http/call-ids.ts";
import { createCallTraces } from "../../../server/http/call-traces.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

describe("the ids of calls", () => {
  it("each is another one, of one form, and does not show its number", () => {
    const next = createCallIds();
    const ids = Array.from({ length: 100_000 }, next);
    expect(new Set(ids).size).to.equal(ids.length);
    expect(ids.filter((id) => !/^[\da-f]{12}-[\da-f]{8}$/.test(id))).to.deep.equal([]);
    const steps = ids.slice(1).map((id, i) => Number(`0x${id.slice(13)}`) - Number(`0x${ids[i]?.slice(13)}`));
    expect(new Set(steps.slice(0, 1_000)).size).to.be.greaterThan(900);
    expect(createCallIds()().slice(0, 12)).to.not.equal(ids[0]?.slice(0, 12));
  });

  it("of a request it is the id of its caller's trace; of one without, the same whenever it is asked", () => {
    const traces = createCallTraces();
    const request = (headers: Record<string, string>) => ({ headers }) as unknown as IncomingMessage;
    const of = request({ traceparent: `00-${TRACE}-${SPAN}-00`, "x-request-id": "chosen-by-the-caller" });
    expect(traces.traceOf(of).callId).to.equal(TRACE);
    const without = request({ traceparent: "none", "x-request-id": "chosen-by-the-caller" });
    const { callId } = traces.traceOf(without);
    expect(callId).to.match(/^[\da-f]{12}-[\da-f]{8}$/);
    expect(traces.traceOf(without).callId).to.equal(callId);
  });
});

describe("traceparent", () => {
  it("is read as W3C Trace Context has it", () => {
    const read = traceContextOf(`00-${TRACE}-${SPAN}-01`);
    expect(read).to.deep.equal({ traceId: TRACE, spanId: SPAN, isSampled: true });
    expect(traceContextOf(`00-${TRACE}-${SPAN}-02`)?.isSampled).to.equal(false);
    expect(traceContextOf(`01-${TRACE}-${SPAN}-03-more`)?.isSampled).to.equal(true);
  });

  for (const wrong of [
    ...["", "00", `00-${TRACE}-${SPAN}`, `00-${TRACE}-${SPAN}-01-more`, `ff-${TRACE}-${SPAN}-01`],
    ...[`00-${"0".repeat(32)}-${SPAN}-01`, `00-${TRACE}-${"0".repeat(16)}-01`, `00-${TRACE}-${SPAN}-1`],
    ...[`00-${TRACE.toUpperCase()}-${SPAN}-01`, `00-${TRACE}x-${SPAN}-01`, ` 00-${TRACE}-${SPAN}-01`],
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
  ])
    it(`${JSON.stringify(wrong)} is none`, () => {
      expect(traceContextOf(wrong)).to.equal(undefined);
    });
});
