import { create } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createClient,
  createRouterTransport,
  type Interceptor,
  type ServiceImpl,
} from "@connectrpc/connect";
import { expect } from "chai";
import { MongoNetworkError } from "mongodb";
import {
  CampaignService,
  WatchCampaignResponseSchema,
} from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason, RefusalSchema } from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import { createLogger } from "../../../runtime/logger.ts";
import { troubleInterceptor } from "../../../server/rpc/interceptors.ts";
import { operatorInterceptor } from "../../../server/rpc/operator-gate.ts";
import { toConnectError } from "../../../server/rpc/rpc-status.ts";
import { createTellTrouble } from "../../../server/rpc/trouble.ts";
import { fakeClock } from "../../support/fake-clock.ts";

type Line = { level: string; msg: string; method?: string; err?: { message: string; stack?: string } };

/** A service behind interceptors, called through the library, and the lines that it logs. */
function behind(
  interceptorsOf: (log: ReturnType<typeof createLogger>) => Interceptor[],
  campaign: Partial<ServiceImpl<typeof CampaignService>> = {},
  coupon: Partial<ServiceImpl<typeof CouponService>> = {},
) {
  const lines: Line[] = [];
  const logger = createLogger({
    level: "debug",
    format: "json",
    destination: { write: (line: string) => void lines.push(JSON.parse(line) as Line) },
  });
  const transport = createRouterTransport(
    (router) => {
      router.service(CampaignService, campaign);
      router.service(CouponService, coupon);
    },
    { router: { interceptors: interceptorsOf(logger) } },
  );
  return {
    lines,
    campaigns: createClient(CampaignService, transport),
    coupons: createClient(CouponService, transport),
  };
}

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call was answered");
}

describe("trouble interceptor", () => {
  const clock = fakeClock();
  const throwing = (error: unknown) =>
    behind((logger) => [troubleInterceptor(createTellTrouble(logger, clock))], {
      getCampaign: () => {
        throw error;
      },
      async *watchCampaign() {
        yield create(WatchCampaignResponseSchema, { remaining: 1 });
        throw error;
      },
    });

  it("passes a refusal as it is, and logs nothing", async () => {
    const { campaigns, lines } = throwing(toConnectError({ reason: "SOLD_OUT" }, 1));
    const error = await errorOf(campaigns.getCampaign({}));
    expect(error.code).to.equal(Code.FailedPrecondition);
    expect(error.findDetails(RefusalSchema)[0]?.reason).to.equal(RefusalReason.SOLD_OUT);
    expect(lines).to.deep.equal([]);
  });

  it("a store that does not answer is unavailable; the cause is logged and not told", async () => {
    const { campaigns, lines } = throwing(new MongoNetworkError("connection 3 to 10.0.0.7 closed"));
    const error = await errorOf(campaigns.getCampaign({}));
    expect([error.code, error.findDetails(RefusalSchema)[0]?.reason]).to.deep.equal([
      Code.Unavailable,
      RefusalReason.UNCERTAIN,
    ]);
    expect(error.message).not.to.include("10.0.0.7");
    expect(lines.map(({ level, method }) => [level, method])).to.deep.equal([
      ["warn", "coupon.v1.CampaignService/GetCampaign"],
    ]);
    expect(lines[0]?.err?.message).to.include("10.0.0.7");
  });

  it("anything unknown is internal: a bug, logged whole, and nothing of it told", async () => {
    const { campaigns, lines } = throwing(new TypeError("x of undefined, secret inside"));
    const error = await errorOf(campaigns.getCampaign({}));
    expect([error.code, error.rawMessage]).to.deep.equal([
      Code.Internal,
      "internal error; it has been logged",
    ]);
    expect(lines.map(({ level }) => level)).to.deep.equal(["error"]);
    expect(lines[0]?.err?.stack).to.include("secret inside");
  });

  it("an error of the library passes; an internal one is logged", async () => {
    const cancelled = throwing(new ConnectError("gone", Code.Canceled));
    expect((await errorOf(cancelled.campaigns.getCampaign({}))).code).to.equal(Code.Canceled);
    expect(cancelled.lines).to.deep.equal([]);
    const broken = throwing(new ConnectError("broken", Code.Internal));
    expect((await errorOf(broken.campaigns.getCampaign({}))).code).to.equal(Code.Internal);
    expect(broken.lines).to.have.length(1);
  });

  it("watches a stream to its end: what it gave arrives, then the same translation", async () => {
    const { campaigns, lines } = throwing(new MongoNetworkError("gone"));
    const got: number[] = [];
    const error = await errorOf(
      (async () => {
        for await (const message of campaigns.watchCampaign({})) got.push(message.remaining);
      })(),
    );
    expect([got, error.code, lines.length]).to.deep.equal([[1], Code.Unavailable, 1]);
  });
});

describe("operator interceptor", () => {
  it("refuses a call of the operators' service that came by a way without a gate", async () => {
    let called = 0;
    const { campaigns, coupons } = behind(
      () => [operatorInterceptor(fakeClock())],
      {
        getCampaign: () => {
          called++;
          return {};
        },
        async *watchCampaign() {
          called++;
          yield {};
        },
      },
      { getCampaignStatus: () => ({ soldOut: true }) },
    );
    const stream = (async () => {
      for await (const _ of campaigns.watchCampaign({}));
    })();
    for (const call of [campaigns.getCampaign({}), stream]) {
      const error = await errorOf(call);
      expect(error.code).to.equal(Code.Unauthenticated);
      expect(error.findDetails(RefusalSchema)[0]?.reason).to.equal(RefusalReason.UNAUTHENTICATED);
    }
    expect(called).to.equal(0);
    expect((await coupons.getCampaignStatus({})).soldOut).to.equal(true);
  });
});
