import { expect } from "chai";
import { createSingleFlight } from "../../runtime/single-flight.ts";

describe("single flight", () => {
  it("runs once for all who come meanwhile, each key by itself, and again afterwards", async () => {
    const flights = createSingleFlight<number>();
    const runs: { resolve: (value: number) => void }[] = [];
    const act = (): Promise<number> => {
      return new Promise((resolve) => runs.push({ resolve }));
    };
    const [one, two, other] = [flights.run("a", act), flights.run("a", act), flights.run("b", act)];
    expect([runs.length, flights.size()]).to.deep.equal([2, 2]);
    expect(flights.underWay("a")).to.equal(one);
    runs[0]?.resolve(1);
    runs[1]?.resolve(2);
    expect(await Promise.all([one, two, other])).to.deep.equal([1, 1, 2]);
    expect([flights.size(), flights.underWay("a")]).to.deep.equal([0, undefined]);
    void flights.run("a", act);
    expect(runs).to.have.length(3);
  });

  it("a failure is told to all who share the run, and the next one runs anew", async () => {
    const flights = createSingleFlight<number>();
    const fail = (): Promise<number> => Promise.reject(new Error("away"));
    const both = [flights.run("a", fail), flights.run("a", fail)].map((one) => one.catch(String));
    expect(await Promise.all(both)).to.deep.equal(["Error: away", "Error: away"]);
    expect(await flights.run("a", async () => 3)).to.equal(3);
  });
});
