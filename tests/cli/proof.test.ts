import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import { GetIssuanceProofResponseSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { runHere } from "../support/run-here.ts";
import { campaignId, type StandIn, startStandIn } from "../support/stand-in.ts";

describe("cli proof", () => {
  let service: StandIn;
  const asked: { readonly userId: string; readonly requestId: string; readonly code: string }[] = [];

  before(async () => {
    service = await startStandIn({
      coupons: {
        getIssuanceProof({ userId, requestId, code }) {
          asked.push({ userId, requestId, code });
          const commitment = { statement: "{}", signature: Uint8Array.of(1) };
          return create(GetIssuanceProofResponseSchema, { proof: { ordinal: 1 }, commitment });
        },
      },
    });
  });
  after(() => service.close());

  it("asks for one request of a user who has several coupons; a code goes alone", async () => {
    const proof = (...more: string[]) => runHere(["proof", campaignId, ...more], { url: service.url });
    const both = await proof("--user", "alice", "--request", "order-1");
    expect(both.code, both.stderr).to.equal(0);
    expect(asked).to.deep.equal([{ userId: "alice", requestId: "order-1", code: "" }]);
    for (const more of [
      ["--user", "alice"],
      ["--request", "order-1"],
    ]) {
      const { code, stderr } = await proof("--code", "가나다라마바0001", ...more);
      expect([code, stderr]).to.satisfy(
        ([exit, words]: [number, string]) =>
          exit === 2 && words.includes("give one of --user, --request and --code"),
      );
    }
    expect(asked).to.have.length(1);
  });
});
