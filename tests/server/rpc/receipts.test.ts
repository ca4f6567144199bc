import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import type { Refusal } from "../../../campaign/refusal.ts";
import { readSigningKey } from "../../../proof/signing-key.ts";
import { ReceiptSchema } from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { createReceipts } from "../../../server/rpc/receipts.ts";
import { TEST_KEY } from "../../proof/sample-launch.ts";

const SOLD_OUT = { reason: "SOLD_OUT" } as Refusal;

describe("receipts", () => {
  let nowMs = 0;
  const clock = { now: () => 1_793_494_800_000 + nowMs, elapsed: () => nowMs };
  const request = { campaignId: "01jdsample0000000000000000", userId: "bob", requestId: "" };

  beforeEach(() => {
    nowMs = 0;
  });

  const made = () => createReceipts(readSigningKey(TEST_KEY), "server-1", clock);
  /** How many of so many refusals to an address come with a receipt. */
  function counted(receipts: ReturnType<typeof made>, asks: number, address: string, refusal = SOLD_OUT) {
    let count = 0;
    for (let i = 0; i < asks; i++) {
      const error = receipts(new ConnectError("no", Code.FailedPrecondition), refusal, request, address);
      count += error.findDetails(ReceiptSchema).length;
    }
    return count;
  }

  it("of an address are 50 in 10 seconds, and more as time passes; others have their own", () => {
    const receipts = made();
    expect(counted(receipts, 200, "10.0.0.1")).to.equal(50);
    expect(counted(receipts, 60, "10.0.0.2")).to.equal(50);
    nowMs = 10_000;
    expect(counted(receipts, 200, "10.0.0.1")).to.equal(50);
  });

  it("of a process are 1,000 in a second, whoever asks", () => {
    const receipts = made();
    const addresses = Array.from({ length: 40 }, (_, i) => `10.0.1.${i}`);
    const all = addresses.reduce((sum, address) => sum + counted(receipts, 50, address), 0);
    expect(all).to.equal(1_000);
  });

  it("are of refusals of claims that arrived, and of no others", () => {
    for (const refusal of [
      { reason: "UNKNOWN_CAMPAIGN" },
      { reason: "RATE_LIMITED", by: "user", retryAfterMs: 1 },
      { reason: "MAX_PER_USER", most: 3 },
    ] as Refusal[])
      expect(counted(made(), 1, "10.0.0.1", refusal), refusal.reason).to.equal(0);
    expect(counted(made(), 1, "10.0.0.1", { reason: "OVERLOADED" })).to.equal(1);
  });
});
