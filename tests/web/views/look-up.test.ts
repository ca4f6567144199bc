import { create } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import {
  CampaignService,
  FindIssuanceResponseSchema,
} from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { RefusalReason } from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import { type LookUpApi, type LookUpKey, lookUp } from "../../../web/console/views/look-up/look-up.ts";
import { campaignId, coupon, refusal, type StandIn, startStandIn } from "../../support/stand-in.ts";

const HOLDER = "홍길동";

describe("console: look-up", () => {
  let service: StandIn;
  let api: LookUpApi;
  let asked: object[] = [];
  /** Thrown by FindIssuance in place of its usual answer. */
  let failure: Error | undefined;

  before(async () => {
    service = await startStandIn({
      campaigns: {
        findIssuance({ code, campaignId: where, userId, requestId }) {
          asked.push(code === "" ? { where, userId, requestId } : { where, code });
          if (failure !== undefined) throw failure;
          const isHere = code === "가나다" || userId === HOLDER || requestId === "r1";
          if (!isHere) throw refusal(Code.NotFound, RefusalReason.NO_COUPON);
          const issuance = { coupon: coupon(7), userId: HOLDER, requestId, generation: 1 };
          const others = requestId === "" && code === "" ? [{ coupon: coupon(8), userId: HOLDER }] : [];
          const answer = { issuance, campaignName: "크리스마스", others, hasMore: others.length > 0 };
          return create(FindIssuanceResponseSchema, answer);
        },
      },
    });
    const transport = createConnectTransport({ baseUrl: service.url, httpVersion: "1.1" });
    api = createClient(CampaignService, transport);
  });
  beforeEach(() => {
    asked = [];
    failure = undefined;
  });
  after(() => service.close());

  const find = (key: LookUpKey, given: string, user = "") =>
    lookUp(api, { key, given, campaignId: key === "code" ? "" : campaignId, user });

  it("finds the holder of a code in any campaign", async () => {
    const found = await find("code", "가나다");
    expect(found).to.deep.include({ kind: "found", campaignName: "크리스마스", hasMore: false });
    expect(found.kind === "found" && found.issuances.map(({ userId }) => userId)).to.deep.equal([HOLDER]);
    expect(asked).to.deep.equal([{ where: "", code: "가나다" }]);
    expect(await find("code", "라마바")).to.deep.equal({ kind: "none" });
  });

  it("finds a user as given, and says so where only another spelling is found", async () => {
    const found = await find("user", HOLDER);
    expect(found).to.deep.include({ kind: "found", spelling: undefined, hasMore: true });
    expect(found.kind === "found" && found.issuances.map(({ coupon: { seq } }) => seq)).to.deep.equal([7, 8]);
    const pasted = await find("user", ` ${HOLDER.normalize("NFD")}`);
    expect(pasted).to.deep.include({ kind: "found", spelling: HOLDER });
    expect(await find("user", "nobody")).to.deep.equal({ kind: "none" });
    expect(asked[0]).to.deep.equal({ where: campaignId, userId: HOLDER, requestId: "" });
  });

  it("finds a request, with the user where one is given", async () => {
    expect(await find("request", "r1")).to.deep.include({ kind: "found", spelling: undefined });
    expect(await find("request", " r1", " alice ")).to.deep.include({ kind: "found", spelling: "r1" });
    expect(await find("request", "r2")).to.deep.equal({ kind: "none" });
    expect(asked.slice(0, 3)).to.deep.equal([
      { where: campaignId, userId: "", requestId: "r1" },
      { where: campaignId, userId: "alice", requestId: " r1" },
      { where: campaignId, userId: "alice", requestId: "r1" },
    ]);
  });

  it("says that the campaign uses the other claim key, or that the user is needed beside a request", async () => {
    const invalid = (message: string) => refusal(Code.InvalidArgument, RefusalReason.INVALID, { message });
    failure = invalid("request_id: must be given");
    expect(await find("user", HOLDER)).to.deep.equal({ kind: "otherKey" });
    failure = invalid("user_id: must be given");
    expect(await find("request", "r1")).to.deep.equal({ kind: "otherKey" });
    failure = invalid("user_id, request_id: must be given together");
    expect(await find("request", "r1")).to.deep.equal({ kind: "userNeeded" });
  });

  it("passes on what is no answer about the coupon", async () => {
    const tooLong = refusal(Code.InvalidArgument, RefusalReason.INVALID, { message: "user_id: is too long" });
    for (const [key, error, user] of [
      ["code", refusal(Code.PermissionDenied, RefusalReason.PERMISSION_DENIED), ""],
      ["user", refusal(Code.PermissionDenied, RefusalReason.PERMISSION_DENIED), ""],
      ["user", refusal(Code.Unavailable, RefusalReason.OVERLOADED), ""],
      ["user", tooLong, ""],
      ["request", tooLong, "alice"],
    ] as const) {
      failure = error;
      const thrown = await find(key, "x", user).then(
        () => undefined,
        (one: unknown) => one,
      );
      expect(thrown, key).to.be.instanceOf(Error);
    }
  });
});
