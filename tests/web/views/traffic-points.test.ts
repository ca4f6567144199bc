import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import { TrafficSchema } from "../../../proto/gen/coupon/v1/watch_pb.ts";
import {
  columnsOf,
  peakOf,
  pointsOf,
  refusedPerSecond,
  rowsOf,
  type TrafficSample,
} from "../../../web/console/views/live/traffic-points.ts";

const START_MS = Date.UTC(2026, 11, 24, 11);

function sample(atMs: number, issued: number, more: Partial<TrafficSample> = {}): TrafficSample {
  const traffic = create(TrafficSchema, {
    outcomes: [
      { outcome: "issued", perSecond: issued },
      { outcome: "replayed", perSecond: 7 },
      { outcome: "sold_out", perSecond: 2 * issued },
      { outcome: "overloaded", perSecond: 1 },
    ],
    p50Ms: 1.5,
    p99Ms: issued / 10,
  });
  return { atMs: START_MS + atMs, message: { issuedPerSecond: issued, traffic }, ...more };
}

describe("console: points of the traffic chart", () => {
  it("counts every answer without a coupon as refused", () => {
    const [point] = pointsOf([sample(0, 100)]);
    expect(point).to.deep.equal({
      atMs: START_MS,
      issuedPerSecond: 100,
      refusedPerSecond: 201,
      p50Ms: 1.5,
      p99Ms: 10,
    });
    expect(refusedPerSecond([])).to.equal(0);
  });

  it("does not know what the service does not say", () => {
    const silent = { atMs: START_MS, message: { issuedPerSecond: 0, traffic: undefined } };
    const [point] = pointsOf([silent]);
    expect(point).to.include({ issuedPerSecond: 0, refusedPerSecond: null, p50Ms: null, p99Ms: null });
    const [first] = pointsOf([sample(0, 0, { isFirst: true })]);
    expect(first, "the first message of a stream has no rate yet").to.include({ issuedPerSecond: null });
    expect(first).to.include({ refusedPerSecond: 1 });
  });

  it("breaks the line where the connection was lost, and only there", () => {
    const points = pointsOf([sample(0, 10), sample(1_000, 20), sample(61_000, 30), sample(62_000, 40)]);
    expect(points.map(({ issuedPerSecond }) => issuedPerSecond)).to.deep.equal([10, 20, null, 30, 40]);
    expect(points.map(({ refusedPerSecond: refused }) => refused)[2]).to.equal(null);
  });

  it("keeps the times rising when another server's clock is behind", () => {
    const points = pointsOf([sample(1_000, 1), sample(400, 2), sample(400, 3), sample(2_000, 4)]);
    const times = points.map(({ atMs }) => atMs);
    expect(times).to.deep.equal([...new Set(times)].sort((a, b) => a - b));
    expect(times).to.have.length(4);
  });

  it("gives uPlot seconds and a column for each value", () => {
    const columns = columnsOf(pointsOf([sample(0, 10), sample(1_000, 20)]), ["issuedPerSecond", "p99Ms"]);
    expect(columns).to.deep.equal([
      [START_MS / 1_000, START_MS / 1_000 + 1],
      [10, 20],
      [1, 2],
    ]);
  });

  it("has rows of ten seconds, newest first: mean rates, highest times", () => {
    const points = pointsOf([
      ...Array.from({ length: 10 }, (_, second) => sample(second * 1_000, second)),
      sample(10_000, 50, { isFirst: true }),
      sample(11_000, 70),
    ]);
    const rows = rowsOf(points, 10_000, 12);
    expect(rows.map(({ atMs }) => atMs - START_MS)).to.deep.equal([10_000, 0]);
    expect(rows.map(({ issuedPerSecond }) => issuedPerSecond)).to.deep.equal([70, 4.5]);
    expect(rows.map(({ p99Ms }) => p99Ms)).to.deep.equal([7, 0.9]);
    expect(rowsOf(points, 10_000, 1)).to.have.length(1);
  });

  it("names the highest rate and when it was", () => {
    expect(peakOf(pointsOf([sample(0, 3), sample(1_000, 9), sample(2_000, 9)]))?.atMs).to.equal(
      START_MS + 1_000,
    );
    expect(peakOf(pointsOf([sample(0, 0)]))).to.equal(undefined);
  });
});
