import { expect } from "chai";
import { BUSIEST_MAX, createTally } from "../../claims/tally.ts";
import { latencyBucket } from "../../runtime/latency-histogram.ts";

describe("tally", () => {
  it("counts by campaign, outcome and latency, since the start", () => {
    const tally = createTally();
    tally.count("a", "issued", 2);
    tally.count("b", "sold_out", 0.2);
    tally.count("a", "issued", 2);
    tally.busiest();
    tally.count("a", "replayed", 40);
    const [a, b] = tally.busiest();
    expect(a?.outcomes).to.deep.equal({ issued: 2, replayed: 1 });
    expect(b).to.deep.include({ campaignId: "b", outcomes: { sold_out: 1 } });
    expect(a?.latency[latencyBucket(2)]).to.equal(2);
    expect(a?.latency).to.have.length(latencyBucket(40) + 1);
    expect(b?.latency).to.have.length(latencyBucket(0.2) + 1);
  });

  it("gives a copy: what was given does not change", () => {
    const tally = createTally();
    tally.count("a", "issued", 1);
    const [before] = tally.busiest();
    tally.count("a", "issued", 1);
    expect(before?.outcomes).to.deep.equal({ issued: 1 });
    expect(tally.busiest()[0]?.outcomes).to.deep.equal({ issued: 2 });
  });

  it("keeps nothing for what is no campaign, and counts what is wrong with one that is", () => {
    const tally = createTally();
    tally.count("no such", "unknown_campaign", 1);
    tally.count("neither", "invalid", 1);
    expect(tally.busiest()).to.deep.equal([]);
    tally.count("a", "issued", 1);
    tally.count("a", "invalid", 1);
    expect(tally.busiest().map(({ outcomes }) => outcomes)).to.deep.equal([{ issued: 1, invalid: 1 }]);
  });

  it("tells the busiest of late: yesterday's big one makes room", () => {
    const tally = createTally();
    for (let i = 0; i < 1_000; i++) tally.count("yesterday", "issued", 1);
    for (let look = 0; look < 100; look++) tally.busiest();
    for (let campaign = 0; campaign < BUSIEST_MAX; campaign++) tally.count(`today ${campaign}`, "issued", 1);
    tally.count("today 7", "issued", 1);
    const busiest = tally.busiest().map(({ campaignId }) => campaignId);
    expect(busiest).to.have.length(BUSIEST_MAX);
    expect(busiest[0]).to.equal("today 7");
    expect(busiest).not.to.include("yesterday");
  });

  it("holds a bounded number of campaigns, and the busy ones among them", () => {
    const tally = createTally();
    for (let i = 0; i < 50; i++) tally.count("busy", "issued", 1);
    tally.busiest();
    for (let campaign = 0; campaign < 5_000; campaign++) tally.count(`c${campaign}`, "issued", 1);
    expect(tally.busiest()[0]).to.deep.include({ campaignId: "busy", outcomes: { issued: 50 } });
  });
});
