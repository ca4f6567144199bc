import { expect } from "chai";
import type { HistoryEntry, Outcome } from "../../../audit/history.ts";
import { judgeSale } from "./judge-sale.ts";
import { readOptions } from "./options.ts";
import { demandCommit, previousRelease } from "./product.ts";

const entry = (claimKey: string, outcome: Outcome, answeredAtMs = 1_010): HistoryEntry => ({
  ...{ claimKey, outcome, answeredAtMs, invokedAtMs: 1_000, invokedOrder: 1, answeredOrder: 2 },
});
const issued = (code: string, issuedAtMs = 1_005): Outcome => ({
  ...{ kind: "issued", code, seq: 1, issuedAtMs, replayed: false },
});

describe("upgrade-check", () => {
  it("finds nothing in a sale that is right, and each fault by its name", () => {
    const sale = { coupons: 2, startsAtMs: 1_000, recorded: 2, unanswered: [] };
    const right = [entry("a", issued("가1")), entry("b", issued("나2")), entry("a", issued("가1"))];
    expect(judgeSale(sale, right)).to.deep.equal([]);
    const wrong: [string, ReturnType<typeof judgeSale>][] = [
      ["1 coupons were told, not 2", judgeSale(sale, right.slice(0, 1))],
      ["3 are on record, not 2", judgeSale({ ...sale, recorded: 3 }, right)],
      [
        "1 users were told several coupons",
        judgeSale({ ...sale, coupons: 3 }, [...right, entry("a", issued("다3"))]),
      ],
      ["1 coupons were told to several users", judgeSale(sale, [...right, entry("c", issued("가1"))])],
      ["1 coupons were told before the start", judgeSale(sale, [...right, entry("b", issued("나2", 999))])],
      ["1 coupons were told before the start", judgeSale(sale, [...right, entry("b", issued("나2"), 999)])],
      ["1 users have no definite answer", judgeSale({ ...sale, unanswered: ["c"] }, right)],
    ];
    for (const [fault, found] of wrong) expect(found).to.include(fault);
  });

  it("says how to fetch a release that the clone does not have", async () => {
    const error = await demandCommit("0".repeat(40), "0.1.0").catch((thrown: Error) => thrown.message);
    expect(error).to.match(/0\.1\.0 \(0000000000\) is not in this clone; .*git fetch --unshallow/);
  });

  it("names a whole commit and its version, and both forms are bounded", () => {
    const { commit, version } = previousRelease();
    expect(commit).to.match(/^[0-9a-f]{40}$/);
    expect(version).to.match(/^\d+\.\d+\.\d+$/);
    expect(readOptions(["--quick"])).to.include({ rounds: 1, coupons: 600 });
    expect(readOptions([])).to.include({ rounds: 3, coupons: 3_000 });
    expect(() => readOptions(["--coupons", "5"])).to.throw("--coupons must be a whole number, 600 to 20,000");
  });
});
