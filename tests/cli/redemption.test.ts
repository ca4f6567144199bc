import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { type RedemptionRules, RedemptionState } from "../../proto/gen/coupon/v1/redemption_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, refusal, type StandIn, startMs, startStandIn } from "../support/stand-in.ts";

const CODE = "가나다라마바0001";

describe("cli: redemption", () => {
  let service: StandIn;
  const asked: [method: string, request: Record<string, unknown>][] = [];
  let whyNot: RefusalReason;
  let refuseWith: ConnectError | undefined;
  let rules: RedemptionRules | undefined;

  before(async () => {
    const answering = (method: string, state: RedemptionState) => (request: object) => {
      if (refuseWith !== undefined) throw refuseWith;
      asked.push([method, request as Record<string, unknown>]);
      const { key } = request as { readonly key: string };
      const [endedAt, expiresAt] = [timestampFromMs(startMs), timestampFromMs(startMs + 60_000)];
      const times = state === RedemptionState.RESERVED ? { expiresAt } : { endedAt };
      return { redemption: { code: CODE, campaignId: "C", key, state, redeemer: "till", ...times } };
    };
    const voiding = (method: string, voided: boolean) => (request: object) => {
      if (refuseWith !== undefined) throw refuseWith;
      asked.push([method, request as Record<string, unknown>]);
      const voidChanges = [{ at: timestampFromMs(startMs), actor: "kim", voided, reason: "stolen" }];
      const redemptions = [
        { key: "order-1", state: RedemptionState.CONFIRMED, endedAt: timestampFromMs(startMs) },
        {
          ...{ key: "order-2", state: RedemptionState.RESERVED },
          ...{ reservedAt: timestampFromMs(startMs), expiresAt: timestampFromMs(startMs + 600_000) },
        },
      ];
      return {
        redemptions: { code: CODE, campaignId: "C", voided, voidChanges, redemptions, maxRedemptions: 2 },
        notices: voided ? ["it was redeemed already, 1 time: that stays so"] : [],
      };
    };
    service = await startStandIn({
      campaigns: {
        createCampaign: (request) => {
          rules = request.redemption;
          return { campaign: { ...campaign(), ...(rules === undefined ? {} : { redemption: rules }) } };
        },
        listCampaigns: () => ({ serverTime: timestampFromMs(startMs) }),
      },
      redemptions: {
        reserveCoupon: answering("reserve", RedemptionState.RESERVED),
        confirmRedemption: answering("confirm", RedemptionState.CONFIRMED),
        cancelRedemption: answering("cancel", RedemptionState.CANCELLED),
        redeemCoupon: answering("redeem", RedemptionState.CONFIRMED),
        validateCoupon: () => ({ valid: whyNot === RefusalReason.UNSPECIFIED, whyNot }),
        voidCoupon: voiding("void", true),
        unvoidCoupon: voiding("unvoid", false),
        getCouponRedemptions: voiding("redemptions", true),
      },
    });
  });
  after(() => service.close());
  beforeEach(() => {
    asked.length = 0;
    whyNot = RefusalReason.UNSPECIFIED;
    refuseWith = undefined;
    rules = undefined;
  });

  const run = (...args: string[]) => runHere(args, { url: service.url });

  it("redeems in one step, or reserves, confirms and cancels", async () => {
    const whole = await run("redeem", "--code", CODE, "--key", "order-1", "--user", "alice");
    expect(whole.stdout).to.match(/confirmed[\s\S]*order-1[\s\S]*till/);
    await run("redeem", "--code", CODE, "--key", "order-1", "--reserve", "--for", "60000");
    await run("redeem", "--code", CODE, "--key", "order-1", "--confirm");
    await run("redeem", "--code", CODE, "--key", "order-1", "--cancel");
    expect(asked.map(([method]) => method)).to.deep.equal(["redeem", "reserve", "confirm", "cancel"]);
    expect(asked[0]?.[1]).to.include({ code: CODE, key: "order-1", userId: "alice" });
    expect(asked[1]?.[1]["timeoutMs"]).to.equal(60_000n);
    const made = await run("redeem", "--code", CODE, "--json");
    const [shown] = readJsonLines(made.stdout);
    const key = asked[4]?.[1]["key"];
    expect(key).to.match(/^[0-9a-f-]{36}$/);
    expect(shown).to.have.nested.property("redemption.key", key);
  });

  it("refuses what does not go together, and asks nothing", async () => {
    for (const [args, words] of [
      [["--key", "a", "--confirm", "--cancel"], /one of --reserve, --confirm and --cancel/],
      [["--key", "a", "--for", "60000"], /--for goes with --reserve/],
      [["--confirm"], /--key is missing/],
      [["--key", "a", "--reserve", "--for", "5"], /--for/],
    ] as const) {
      const { code, stderr } = await run("redeem", "--code", CODE, ...args);
      expect(code).to.equal(2);
      expect(stderr).to.match(words);
    }
    expect(asked).to.deep.equal([]);
    const dry = await run("redeem", "--code", CODE, "--key", "a", "--reserve", "--dry-run");
    expect(dry.stdout).to.match(/ReserveCoupon/);
    expect(asked).to.deep.equal([]);
  });

  it("validates, with an exit code of its own", async () => {
    expect(await run("validate", "--code", CODE)).to.include({ code: 0, stdout: "valid\n" });
    whyNot = RefusalReason.REDEEMED;
    const { code, stderr } = await run("validate", "--code", CODE);
    expect([code, stderr]).to.deep.equal([
      3,
      "coupon: the code cannot be redeemed: REDEEMED: it was redeemed as often as it may be; docs/redemption.md says what each reason means\n",
    ]);
    whyNot = RefusalReason.NO_COUPON;
    expect((await run("validate", "--code", CODE)).stderr).to.match(
      /NO_COUPON: it was never issued, or .*--user/,
    );
    whyNot = RefusalReason.REDEEMED;
    const json = await run("validate", "--code", CODE, "--json");
    expect(readJsonLines(json.stdout)[0]).to.deep.equal({ valid: false, whyNot: "REDEEMED" });
  });

  it("voids and unvoids with the actor and the reason, and shows what is recorded", async () => {
    const voided = await run(
      "void",
      "--code",
      CODE,
      "--reason",
      "stolen",
      "--actor",
      "kim",
      "--cancel-reservations",
    );
    expect(voided.stdout).to.match(/redeemed +1 of 2[\s\S]*made void +by kim: stolen[\s\S]*that stays so/);
    expect(asked[0]?.[1]).to.include({
      actor: "kim",
      reason: "stolen",
      cancelReservations: true,
      dryRun: false,
    });
    await run("unvoid", "--code", CODE, "--dry-run=server");
    expect(asked[1]).to.have.nested.property("[1].dryRun", true);
    const shown = await run("redemptions", "--code", CODE);
    expect(shown.stdout).to.match(/void +yes[\s\S]*confirmed +order-1/);
    expect(shown.stdout).to.match(/reserved +order-2 .*11:00:00\.000Z, until .*11:10:00\.000Z\n/);
  });

  it("a refusal is told to whoever holds the code: what to look at, how long, what is final", async () => {
    const told: [verb: string[], refused: ConnectError, words: RegExp][] = [
      [
        ["redeem"],
        refusal(Code.NotFound, RefusalReason.NO_COUPON),
        /check the code; .*--user and who claimed it\n/,
      ],
      [
        ["redemptions"],
        refusal(Code.NotFound, RefusalReason.NO_COUPON),
        /check the code: only one that was issued/,
      ],
      [
        ["redeem"],
        refusal(Code.FailedPrecondition, RefusalReason.RESERVED, {
          ...{ message: "another key has reserved this code", retryAfterMs: 90_000 },
        }),
        /has reserved this code; ask again in 00:01:30, when it has timed out/,
      ],
      [
        ["redeem", "--key", "a", "--cancel"],
        refusal(Code.FailedPrecondition, RefusalReason.REDEEMED, {
          message: "this code was redeemed, by this key",
        }),
        /by this key; what is confirmed is final\n/,
      ],
      [
        ["redeem", "--key", "a", "--confirm"],
        refusal(Code.FailedPrecondition, RefusalReason.RESERVATION_OVER, {
          message: "key: its reservation timed out; reserve with another key",
        }),
        /: the key: its reservation timed out; reserve with another --key\n/,
      ],
    ];
    for (const [args, refused, words] of told) {
      refuseWith = refused;
      const { stderr } = await run(...args, "--code", CODE);
      expect(stderr).to.match(words);
    }
  });

  it("creates a campaign with rules for its redemption, and shows them", async () => {
    const create = (...more: string[]) =>
      run("create", "--name", "x", "--total", "1", "--start", "2030-01-01T00:00:00Z", "--no-wait", ...more);
    await create();
    expect(rules).to.equal(undefined);
    const { stdout } = await create(
      ...[
        "--valid-from",
        "2030-01-02T00:00:00Z",
        "--valid-until",
        "2030-03-01T00:00:00Z",
        "--valid-days",
        "30",
      ],
      ...["--bound-to-user", "--max-redemptions", "3", "--one-per-user"],
    );
    expect(rules).to.deep.include({ validDays: 30, boundToUser: true, maxRedemptions: 3 });
    expect(Number(rules?.validFrom?.seconds) * 1_000).to.equal(Date.parse("2030-01-02T00:00:00Z"));
    expect(stdout).to.match(/redeemed +from 2030-01-02.*within 30 days of its issue, by its user, 3 times/);
    expect((await create("--valid-until", "soon")).code).to.equal(2);
    expect((await create("--max-redemptions", "1001")).code).to.equal(2);
  });
});
