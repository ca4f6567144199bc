import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  CampaignView,
  type CreateCampaignRequest,
  type DescribeFormatsRequest,
  type FindIssuanceRequest,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { FindCouponRequest, IssueCouponRequest } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import type { Finished } from "./run-cli.ts";
import { runHere } from "./run-here.ts";
import { campaign, coupon, refusal, type StandIn, startMs, startStandIn } from "./stand-in.ts";

/** A campaign that is not one-per-user. */
export const byRequest = "01JBYREQUEST00000000000000";
/** A campaign whose coupons the stand-in's operators' service does not tell this operator. */
export const callersOnly = "01JCALLERS0000000000000000";
/** A campaign of which it answers as an older version does, which looks up codes alone. */
export const olderService = "01JEARLIER0000000000000000";
/** The clock of the stand-in, well before its campaigns start. */
export const serverMs = startMs - 5_000_000;
/** The codes that `get --codes` shows, two a page. */
export const codes = ["가나다라마바0001", "가나다라마바0002", "가나다라마바0003"];

/** The requests of one test's commands to the stand-in, by method; each test begins with empty lists. */
class Calls {
  readonly created: CreateCampaignRequest[] = [];
  readonly issued: IssueCouponRequest[] = [];
  readonly found: FindCouponRequest[] = [];
  readonly holders: FindIssuanceRequest[] = [];
  readonly described: DescribeFormatsRequest[] = [];
}

/** Why the stand-in's FindCoupon and FindIssuance refuse a claim key; undefined: they find it. */
function refusedKey({ campaignId, userId, requestId }: Key): ConnectError | undefined {
  const invalid = (message: string) => refusal(Code.InvalidArgument, RefusalReason.INVALID, { message });
  if (campaignId === byRequest && userId !== "" && requestId === "")
    return invalid(
      "request_id: is the key to look up here: the campaign gives coupons by request, not by user",
    );
  if (campaignId !== byRequest && requestId === "not-the-key")
    return invalid("user_id: is the key to look up here: the campaign gives one coupon per user");
  if (requestId === "r".repeat(200)) return invalid("request_id: 1 to 128");
  if (userId === "broken") return new ConnectError("no", Code.Unavailable);
  // Only "홍길동" in composed form has a coupon; any other Hangul text is the id of another user.
  const isOther = /[\p{Script=Hangul}]/u.test(userId) && userId !== "홍길동";
  if (userId === "nobody" || isOther) return refusal(Code.NotFound, RefusalReason.NO_COUPON);
  return undefined;
}

type Key = Pick<FindCouponRequest, "campaignId" | "userId" | "requestId">;

/** How FindIssuance answers a claim key. */
function byClaimKey(request: Key) {
  const { campaignId, userId, requestId } = request;
  if (campaignId === callersOnly) throw refusal(Code.PermissionDenied, RefusalReason.PERMISSION_DENIED);
  if (campaignId === olderService) {
    const message = "code: is empty";
    throw refusal(Code.InvalidArgument, RefusalReason.INVALID, { message });
  }
  const error = refusedKey(request);
  if (error !== undefined) throw error;
  if (requestId === "by-token" && userId === "") {
    const message =
      "user_id, request_id: must be given together: no claim without a token has this request id";
    throw refusal(Code.InvalidArgument, RefusalReason.INVALID, { message });
  }
  const others = userId === "many" ? [{ coupon: coupon(8), userId, requestId: "second" }] : [];
  return {
    issuance: { coupon: coupon(7), userId, requestId, generation: 1 },
    ...{ campaignName: "크리스마스", others, hasMore: others.length > 0 },
  };
}

/** The service with the answers that the tests of the verbs need. */
function startRecording(calls: Calls): Promise<StandIn> {
  return startStandIn({
    campaigns: {
      createCampaign(request) {
        calls.created.push(request);
        if (request.name === "flaky" && calls.created.length < 3) {
          throw refusal(Code.Unavailable, RefusalReason.OVERLOADED, { retryAfterMs: 10 });
        }
        const made = campaign({ name: request.name, state: CampaignState.GENERATING, generated: 0 });
        return { campaign: made, notices: ["it opens \x1b[31mat once"] };
      },
      getCampaign(request) {
        const at = Number(request.pageToken || 0);
        const full = request.view !== CampaignView.BASIC;
        return {
          campaign: campaign({ issued: 3, state: CampaignState.OPEN }),
          issuedCodes: full ? codes.slice(at, at + 2) : [],
          nextPageToken: full && at + 2 < codes.length ? String(at + 2) : "",
          serverTime: timestampFromMs(serverMs),
        };
      },
      findIssuance(request) {
        calls.holders.push(request);
        if (request.code === "") return byClaimKey(request);
        if (request.code === "unknown") throw refusal(Code.NotFound, RefusalReason.NO_COUPON);
        if (request.code === "wrong") {
          const message = "code: mistyped: the check character does not fit; read it again";
          throw refusal(Code.InvalidArgument, RefusalReason.INVALID, { message });
        }
        return {
          issuance: { coupon: coupon(7), userId: "alice", generation: 1 },
          campaignName: "크리스마스",
        };
      },
      describeFormats(request) {
        calls.described.push(request);
        const patterns = request.codeFormats.length === 0 ? ["가가00", "가가가000#"] : request.codeFormats;
        const formats = patterns.map((codeFormat) => ({
          codeFormat,
          examples: ["예나00", "예다11"],
          combinations: "6863390289133290000",
          codes: "6341473654629534118",
          entropyBits: 62.46,
          existing: 12_000n,
          room: "6341473654629",
          guessOdds: 2e-15,
          collisionOdds: 0.001,
          hasCheckCharacter: codeFormat.endsWith("#"),
          fits: !codeFormat.endsWith("00"),
          whyNot: codeFormat.endsWith("00") ? "too small" : "",
        }));
        return { formats, total: request.total || 1_000 };
      },
      listCampaigns(request) {
        const at = Number(request.pageToken || 0);
        const all = ["first", "둘째", "third"].map((name, index) => campaign({ name, id: `ID${index}` }));
        const size = Math.min(request.pageSize, 2);
        const next = at + size < all.length ? String(at + size) : "";
        return {
          campaigns: all.slice(at, at + size),
          nextPageToken: next,
          serverTime: timestampFromMs(serverMs),
        };
      },
      async *watchCampaign() {
        for (const generated of [100, 500, 1000]) {
          const state = generated === 1000 ? CampaignState.SCHEDULED : CampaignState.GENERATING;
          yield { campaign: campaign({ state, generated }), serverTime: timestampFromMs(serverMs) };
        }
        yield { campaign: campaign({ state: CampaignState.SOLD_OUT, issued: 1000 }), issuedPerSecond: 12 };
      },
    },
    coupons: {
      issueCoupon(request) {
        calls.issued.push(request);
        if (request.userId === "" && request.requestId === "one-per-user") {
          const message =
            "user_id: must not be empty: 1 to 128 characters, at least one that is visible, no control characters";
          throw refusal(Code.InvalidArgument, RefusalReason.INVALID, { message });
        }
        if (request.userId === "unsure" && calls.issued.length < 2) {
          throw refusal(Code.Unavailable, RefusalReason.UNCERTAIN, { retryAfterMs: 10 });
        }
        return { coupon: coupon(7), replayed: request.userId === "again" };
      },
      findCoupon(request) {
        calls.found.push(request);
        const error = refusedKey(request);
        if (error !== undefined) throw error;
        return { coupon: coupon(7) };
      },
      getCampaignStatus: (request) => ({
        state: request.campaignId === byRequest ? CampaignState.PAUSED : CampaignState.SCHEDULED,
        startsAt: timestampFromMs(startMs),
        serverTime: timestampFromMs(startMs - 90_000),
        millisToStart: 90_000n,
      }),
    },
  });
}

export interface RecordedCalls extends Readonly<Calls> {
  readonly url: string;
  readonly requests: StandIn["requests"];
  /** Runs the command against the stand-in. */
  readonly coupons: (...args: string[]) => Promise<Finished>;
}

/**
 * A stand-in for the tests of one `describe`, which records the requests of the commands and is closed after
 * these tests.
 */
export function withRecordedCalls(): RecordedCalls {
  const calls = new Calls();
  let started: StandIn | undefined;
  const service = () => {
    if (started === undefined) throw new Error("withRecordedCalls: before the first hook, or after the last");
    return started;
  };
  before("recorded calls", async () => {
    started = await startRecording(calls);
  });
  beforeEach("recorded calls", () => {
    for (const list of Object.values(calls)) list.length = 0;
  });
  after("recorded calls", async () => {
    await started?.close();
    started = undefined;
  });
  return {
    ...calls,
    get url() {
      return service().url;
    },
    get requests() {
      return service().requests;
    },
    coupons: (...args) => runHere(args, { url: service().url }),
  };
}
