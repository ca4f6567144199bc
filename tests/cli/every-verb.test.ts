import { readFileSync } from "node:fs";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { commands } from "../../cli/vocabulary.ts";
import { repositoryDir } from "../../local/repository.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  CampaignService,
  OperatorRole,
  PreflightColour,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { readJsonLines, runCli } from "../support/run-cli.ts";
import { campaign, campaignId, coupon, type StandIn, startMs, startStandIn } from "../support/stand-in.ts";

/** Requirements for every verb, including those that are added later. */
const SIGNED = { statement: "{}", signature: new Uint8Array(64) };

describe("cli: every verb", () => {
  let service: StandIn;
  const serverTime = timestampFromMs(startMs);
  const over = campaign({ state: CampaignState.SOLD_OUT });
  const changed = () => ({ campaign: campaign() });

  before(async () => {
    service = await startStandIn({
      campaigns: {
        createCampaign: changed,
        pauseCampaign: changed,
        resumeCampaign: changed,
        rescheduleCampaign: changed,
        addCoupons: changed,
        updateCampaign: changed,
        endCampaign: changed,
        cancelCampaign: changed,
        getCampaign: () => ({ campaign: over, serverTime }),
        listCampaigns: () => ({ campaigns: [over], serverTime }),
        listHistory: () => ({ entries: [{ revision: 0, at: serverTime, verb: "create" }] }),
        preflightCampaign: () => ({ campaign: over, colour: PreflightColour.GREEN, serverTime }),
        findIssuance: () => ({ issuance: { coupon: coupon(1) } }),
        findAttempts: () => ({
          attempts: [{ userId: "alice", outcome: "issued", server: "a/1" }],
          isKept: true,
        }),
        getSelf: () => ({ name: "kim", role: OperatorRole.VIEWER, methods: ["ListCampaigns"] }),
        describeFormats: () => ({ formats: [{ codeFormat: "가가00" }], total: 1 }),
        getCampaignStats: () => ({ campaign: over, bucketMs: 1_000, issuedPerBucket: [1] }),
        async *watchCampaign() {
          yield { campaign: over, serverTime };
        },
        async *exportCoupons() {
          yield { coupons: [{ coupon: coupon(1), generation: 1 }], nextPageToken: "t" };
        },
        async *eraseUsers() {
          yield { message: { case: "report" as const, value: { endedAt: serverTime } } };
        },
        async *certifyCampaign() {
          yield { certified: 1, statement: SIGNED };
          yield { certified: 1, linesTotal: 1, lines: "[1]\n" };
        },
        async *verifyCampaign() {
          yield { message: { case: "report" as const, value: { total: 1 } } };
        },
      },
      events: {
        listSinks: () => ({ sinks: [{ name: "crm" }], processes: 1 }),
        listDeadLetters: () => ({ deadLetters: [{ id: "a/b/1-2", sink: "crm", events: 1 }] }),
        listEvents: () => ({
          events: [{ id: "e", type: "campaign.created" }],
          nextPageToken: "t",
          isAll: true,
        }),
      },
      redemptions: {
        redeemCoupon: () => ({ redemption: { code: "가나다라마바0001" } }),
        validateCoupon: () => ({ valid: true }),
        voidCoupon: () => ({ redemptions: { code: "가나다라마바0001" } }),
        unvoidCoupon: () => ({ redemptions: { code: "가나다라마바0001" } }),
        getCouponRedemptions: () => ({ redemptions: { code: "가나다라마바0001" } }),
      },
      coupons: {
        issueCoupon: () => ({ coupon: coupon(1) }),
        findCoupon: () => ({ coupon: coupon(1) }),
        getCampaignCommitment: () => ({ commitments: [{ number: 1, size: 1 }], signed: [SIGNED] }),
        getIssuanceProof: () => ({ proof: { ordinal: 1 }, commitment: SIGNED }),
        getCampaignStatus: () => ({ state: CampaignState.OPEN, serverTime }),
      },
    });
  });
  after(() => service.close());

  const lines: Readonly<Record<string, string>> = {
    create: "--name x --total 1 --start +1h",
    reschedule: `${campaignId} --start +1h`,
    add: `${campaignId} --count 1 --yes`,
    edit: `${campaignId} --name x`,
    end: `${campaignId} --yes`,
    cancel: `${campaignId} --yes`,
    erase: "--user alice --yes",
    proof: `${campaignId} --user alice`,
    find: "--code 가나다라마바0001",
    why: `${campaignId} --user alice`,
    redeem: "--code 가나다라마바0001",
    validate: "--code 가나다라마바0001",
    void: "--code 가나다라마바0001",
    unvoid: "--code 가나다라마바0001",
    redemptions: "--code 가나다라마바0001",
    rehearse: "--clean",
    list: "",
    sinks: "list",
    dlq: "list",
    events: "",
    formats: "",
    whoami: "",
    keys: "create --name kim --role viewer",
    config: "",
    logout: "",
    token: "issue --user alice --audience coupons --secret-file package.json",
    completion: "bash",
  };

  for (const { name, options } of commands) {
    // Needs an identity provider and a person: login.test.ts.
    if (name !== "login")
      it(`${name} --json writes JSON, and nothing else, to both streams`, async () => {
        const args = (lines[name] ?? campaignId).split(" ").filter((word) => word !== "");
        const { code, stdout, stderr } = await runCli([name, ...args, "--json"], { url: service.url });
        expect(code, stderr).to.equal(0);
        expect(readJsonLines(stdout)).not.to.deep.equal([]);
        for (const line of readJsonLines(stderr)) expect(line).to.have.property("note");
      });

    it(`${name} has --dry-run if it changes anything`, () => {
      const source = readFileSync(join(repositoryDir, "cli", "commands", `${name}.ts`), "utf8");
      const calls = changing.filter((method) => source.includes(`.${method}(`));
      const hasDryRun = options.some(({ flags }) => flags.startsWith("--dry-run "));
      expect(hasDryRun, calls.join()).to.equal(calls.length > 0);
    });
  }

  it("what cannot be undone has --yes", () => {
    const asking = commands.filter(({ options }) => options.some(({ flags }) => flags === "--yes"));
    expect(asking.map(({ name }) => name)).to.include.members([
      "create",
      "reschedule",
      "add",
      "end",
      "cancel",
    ]);
  });
});

const reading = /^(get|list|find|watch|export|describe|preflight|verify|validate|certify|follow|test)/;

/** The calls that change a campaign or issue a coupon. */
const changing = [CampaignService, CouponService, EventService, RedemptionService]
  .flatMap(({ methods }) => methods)
  .map(({ localName }) => localName)
  .filter((name) => !reading.test(name));
