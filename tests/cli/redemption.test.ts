import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { type RedemptionRules, RedemptionState } from "../../proto/gen/coupon/v1/redemption_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, type StandIn, startMs, startStandIn } from "../support/stand-in.ts";

const CODE = "가나다라마바0001";

describe("cli: redemption", () => {
  let service: StandIn;
  const asked: [method: string, request: Record<string, unknown>][] = [];
  let whyNot: RefusalReason;
  let rules: RedemptionRules | undefined;

  before(async () => {
    const answering = (method: string, state: RedemptionState) => (request: object) => {
      asked.push([method, request as Record<string, unknown>]);
      const { key } = request as { readonly key: string };
      const [endedAt, expiresAt] = [timestampFromMs(startMs), timestampFromMs(startMs + 60_000)];
      const times = state === RedemptionState.RESERVED ? { expiresAt } : { endedAt };
      return { redemption: { code: CODE, campaignId: "C", key, state, redeemer: "till", ...times } };
    };
    const voiding = (method: string, voided: boolean) => (request: object) => {
      asked.push([method, request as Record<string, unknown>]);
      const voidChanges = [{ at: timestampFromMs(startMs), actor: "kim", voided, reason: "stolen" }];
      const redemptions = [
        { key: "order-1", state: RedemptionState.CONFIRMED, endedAt: timestampFromMs(startMs) },
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
    expect([code, stderr.includes("REDEEMED")]).to.deep.equal([3, true]);
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
