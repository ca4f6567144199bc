import { toJson } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { cellsOf } from "../../cli/console/cells.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  CampaignView,
  type CreateCampaignRequest,
  CreateCampaignRequestSchema,
  type DescribeFormatsRequest,
  type FindIssuanceRequest,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { FindCouponRequest, IssueCouponRequest } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import {
  campaign,
  campaignId,
  coupon,
  refusal,
  type StandIn,
  startMs,
  startStandIn,
} from "../support/stand-in.ts";

describe("cli verbs", () => {
  /** A campaign that is not one-per-user. */
  const byRequest = "01JBYREQUEST00000000000000";
  let created: CreateCampaignRequest[] = [];
  let issued: IssueCouponRequest[] = [];
  let found: FindCouponRequest[] = [];
  let holders: FindIssuanceRequest[] = [];
  let described: DescribeFormatsRequest[] = [];
  let service: StandIn;
  const serverMs = startMs - 5_000_000;
  const codes = ["가나다라마바0001", "가나다라마바0002", "가나다라마바0003"];

  before(async () => {
    service = await startStandIn({
      campaigns: {
        createCampaign(request) {
          created.push(request);
          if (request.name === "flaky" && created.length < 3) {
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
          holders.push(request);
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
          described.push(request);
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
          issued.push(request);
          if (request.userId === "" && request.requestId === "one-per-user") {
            const message =
              "user_id: must not be empty: 1 to 128 characters, at least one that is visible, no control characters";
            throw refusal(Code.InvalidArgument, RefusalReason.INVALID, { message });
          }
          if (request.userId === "unsure" && issued.length < 2) {
            throw refusal(Code.Unavailable, RefusalReason.UNCERTAIN, { retryAfterMs: 10 });
          }
          return { coupon: coupon(7), replayed: request.userId === "again" };
        },
        findCoupon(request) {
          found.push(request);
          if (request.campaignId === byRequest && request.userId !== "") {
            const message =
              "request_id: is the key to look up here: the campaign gives coupons by request, not by user";
            throw refusal(Code.InvalidArgument, RefusalReason.INVALID, { message });
          }
          if (request.campaignId !== byRequest && request.requestId === "not-the-key") {
            const message = "user_id: is the key to look up here: the campaign gives one coupon per user";
            throw refusal(Code.InvalidArgument, RefusalReason.INVALID, { message });
          }
          if (request.requestId === "r".repeat(200)) {
            throw refusal(Code.InvalidArgument, RefusalReason.INVALID, { message: "request_id: 1 to 128" });
          }
          if (request.userId === "broken") throw new ConnectError("no", Code.Unavailable);
          // "홍길동" composed is the one that claimed; anything else written in Hangul is somebody else.
          const isOther = /[\p{Script=Hangul}]/u.test(request.userId) && request.userId !== "홍길동";
          if (request.userId === "nobody" || isOther) {
            throw refusal(Code.NotFound, RefusalReason.NO_COUPON);
          }
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
  });
  beforeEach(() => {
    created = [];
    issued = [];
    found = [];
    holders = [];
    described = [];
  });
  after(() => service.close());

  const coupons = (...args: string[]) => runHere(args, { url: service.url });
  const create = (...args: string[]) => coupons("create", "--name", "xmas", "--total", "1000", ...args);

  describe("create", () => {
    it("sends what was given, echoes the instant in full and says what to do next", async () => {
      const start = ["--start", "2026-12-24 12:00 Europe/Berlin", "--end", "start+2h", "--one-per-user"];
      const { code, stdout, stderr } = await create(...start, "--format", "가가가000".normalize("NFD"));
      expect(stderr).to.equal(
        "coupon: opens at 2026-12-24 20:00:00.000+09:00 (Asia/Seoul) = 2026-12-24 12:00:00.000+01:00 (Europe/Berlin) " +
          "= 2026-12-24T11:00:00.000Z, in 01:23:20; ends at 2026-12-24 22:00:00.000+09:00 (Asia/Seoul) = " +
          "2026-12-24 14:00:00.000+01:00 (Europe/Berlin) = 2026-12-24T13:00:00.000Z\n",
      );
      expect(code).to.equal(0);
      const [request] = created;
      expect(request).to.include({ name: "xmas", total: 1000, onePerUser: true, codeFormat: "가가가000" });
      expect(request?.startsAt && timestampMs(request.startsAt)).to.equal(startMs);
      expect(request?.endsAt && timestampMs(request.endsAt)).to.equal(startMs + 7_200_000);
      expect(request?.requestId).to.match(/^[0-9a-f-]{36}$/);
      expect(request?.actor).to.match(/^.+@.+$/);
      expect(stdout).to.include("2026-12-24 20:00:00.000+09:00 (Asia/Seoul) = 2026-12-24T11:00:00.000Z");
      expect(stdout).to.include("2026-12-24 12:00:00.000+01:00 (Europe/Berlin)");
      const next = stdout.slice(stdout.indexOf("next: ")).match(/coupon \w+ \w+( --user USER)?/g);
      expect(next).to.deep.equal([
        ...["preflight", "launch", "watch"].map((verb) => `coupon ${verb} ${campaignId}`),
        `coupon issue ${campaignId} --user USER`,
      ]);
      expect(stdout).to.include("it opens \\u001b[31mat once").and.not.include("\x1b");
    });

    it("says the instants before it sends anything", async () => {
      const { stderr, code } = await runHere(
        ["create", "--name", "x", "--total", "1", "--start", "2026-12-24T11:00:00Z", "--retries", "0"],
        {
          url: "http://127.0.0.1:1",
        },
      );
      expect(code).to.equal(5);
      const [echo, failure] = stderr.split("\n");
      expect(echo).to.include(
        "opens at 2026-12-24 20:00:00.000+09:00 (Asia/Seoul) = 2026-12-24T11:00:00.000Z",
      );
      expect(failure).to.include("no service at");
    });

    it("a start that has passed is asked about, unless it was meant so", async () => {
      const past = ["--start", new Date(serverMs - 86_400_000).toISOString()];
      const refused = await create(...past);
      expect([refused.code, created]).to.deep.equal([7, []]);
      expect(refused.stderr)
        .to.match(/^coupon: opens at .*, which was 1d 00:00:00 ago; never ends\n/)
        .and.match(
          /not confirmed, nothing was changed: create xmas: its start, .* has passed, so it opens as soon as/,
        );
      expect(refused.stderr).to.match(/\ncoupon: without --one-per-user: a user may get several\n/);
      expect((await create(...past, "--yes", "--actor", "kim")).code).to.equal(0);
      expect((await create("--start", "now")).code).to.equal(0);
      expect(created).to.have.length(2);
      expect(created[0]).to.have.property("actor", "kim");
    });

    it("--dry-run tells the request in full and creates nothing", async () => {
      const args = ["--start", "2026-12-24 12:00 Europe/Berlin", "--request-id", "R9", "--dry-run"];
      const { code, stdout, stderr } = await create(...args);
      expect(code).to.equal(0);
      expect(created).to.have.length(0);
      expect(stdout.split("\n")[0]).to.equal(
        `would send coupon.v1.CampaignService/CreateCampaign to ${service.url}`,
      );
      expect(stdout).to.include(
        "2026-12-24 20:00:00.000+09:00 (Asia/Seoul) = 2026-12-24 12:00:00.000+01:00 (Europe/Berlin) = 2026-12-24T11:00:00.000Z",
      );
      expect(stdout)
        .to.match(/endsAt {6}\(none: it never ends\)/)
        .and.match(/Z, in 01:23:20\n/)
        .and.match(/codeFormat {2}\(the default, 가{6}0000\)/)
        .and.match(/requestId {3}R9/);
      expect(stderr).to.equal("coupon: dry run: nothing was sent, and the service has not checked it\n");
    });

    it("--dry-run --json is the body that the call then has", async () => {
      const args = ["--start", "2026-12-24T11:00:00Z", "--request-id", "R9", "--one-per-user"];
      const dry = readJsonLines((await create(...args, "--dry-run", "--json")).stdout)[0];
      expect(dry).to.include({
        dryRun: true,
        url: service.url,
        method: "coupon.v1.CampaignService/CreateCampaign",
      });
      await create(...args);
      const sent = created[0];
      expect(sent).not.to.equal(undefined);
      expect(sent && toJson(CreateCampaignRequestSchema, sent, { alwaysEmitImplicit: true })).to.deep.equal(
        dry?.["request"],
      );
    });

    it("counts a relative start from the server's clock", async () => {
      const { code } = await create("--start", "+10m", "--end", "+1h");
      expect(code).to.equal(0);
      const [request] = created;
      expect(request?.startsAt && timestampMs(request.startsAt)).to.equal(serverMs + 600_000);
      expect(request?.endsAt && timestampMs(request.endsAt)).to.equal(serverMs + 3_600_000);
    });

    it("tries again with the same request id, and says so", async () => {
      const { code, stderr } = await create("--start", "now", "--name", "flaky");
      expect(code).to.equal(0);
      expect(created).to.have.length(3);
      expect(new Set(created.map((request) => request.requestId)).size).to.equal(1);
      expect(new Set(created.map((request) => String(request.startsAt?.seconds))).size).to.equal(1);
      expect(stderr.match(/trying again with the same request id/g)).to.have.length(2);
    });

    it("gives up after --retries and says how to go on without a second campaign", async () => {
      const args = [
        "--start",
        "2027-01-01T00:00:00Z",
        "--name",
        "flaky",
        "--retries",
        "1",
        "--request-id",
        "R1",
      ];
      const { code, stderr, stdout } = await create(...args);
      expect(code).to.equal(5);
      expect(stdout).to.equal("");
      expect(stderr).to.include("it may have been created: run again with --request-id R1");
    });

    it("--wait waits until the codes are made", async () => {
      const { code, stdout } = await create("--start", "2026-12-24T11:00:00Z", "--wait", "--json");
      expect(code).to.equal(0);
      const [shown] = readJsonLines(stdout);
      expect(shown).to.have.nested.property("campaign.state", "CAMPAIGN_STATE_SCHEDULED");
      expect(shown).to.have.nested.property("campaign.generated", 1000);
      expect(shown).to.have.property("requestId");
    });

    const mistakes: [args: string[], why: RegExp][] = [
      [["--start", "tomorrow"], /--start: "tomorrow" is not an instant/],
      [["--start", "2026-12-24T20:00:00"], /time zone/],
      [["--start", "2026-12-24T20:00:00Z", "--end", "2026-12-24T20:00:00Z"], /--end is not after --start/],
      [["--start", "now", "--total", "many"], /--total: "many" is not a whole number/],
      [["--start", "now", "--total", "0"], /--total/],
      [["--start", "now", "--request-id", ""], /--request-id is empty/],
      [[], /--start is missing/],
      [["--start", "now", "--colour"], /unknown option/],
      [["--start", "now", "extra"], /too many arguments/],
    ];
    for (const [args, why] of mistakes) {
      it(`refuses ${JSON.stringify(args)} before anything is sent`, async () => {
        const { code, stderr, stdout } = await create(...args);
        expect(code).to.equal(2);
        expect(stdout).to.equal("");
        expect(stderr)
          .to.match(why)
          .and.match(/^[^\n]+\n$/);
        expect(created).to.have.length(0);
      });
    }
  });

  describe("get", () => {
    it("sums up in words, without codes", async () => {
      const { code, stdout } = await coupons("get", campaignId);
      expect(code).to.equal(0);
      expect(stdout).to.include("3 of 1,000 issued").and.include("OPEN").and.not.include("가나다");
    });

    it("--codes shows every page", async () => {
      const { stdout } = await coupons("get", campaignId, "--codes");
      expect(stdout.trimEnd().split("\n").slice(-3)).to.deep.equal(codes);
      const { stdout: json } = await coupons("get", campaignId, "--codes", "--json");
      expect(readJsonLines(json)[0]).to.have.deep.property("issuedCodes", codes);
    });
  });

  describe("list", () => {
    it("follows the pages to the limit", async () => {
      const { code, stdout, stderr } = await coupons("list");
      expect(code).to.equal(0);
      expect(stdout.split("\n").map((line) => line.slice(0, 3))).to.deep.equal([
        "ID ",
        "ID0",
        "ID1",
        "ID2",
        "",
      ]);
      expect(stderr).to.equal("");
      const limited = await coupons("list", "--limit", "1", "--json");
      expect(readJsonLines(limited.stdout).map((shown) => shown["id"])).to.deep.equal(["ID0"]);
      expect(readJsonLines(limited.stderr)[0]).to.have.property("note");
    });

    it("shows the start in the operator's zone and in UTC, once where that is the same", async () => {
      const [heading = "", first = ""] = (await coupons("list")).stdout.split("\n");
      expect(heading).to.match(/STARTS \(Asia\/Seoul\) +STARTS \(UTC\) +NAME$/);
      const starts = "2026-12-24T20:00:00.000+09:00  2026-12-24T11:00:00.000Z";
      expect(first.indexOf(starts)).to.equal(heading.indexOf("STARTS"));
      expect(first.indexOf("first")).to.equal(heading.indexOf("NAME"));
      const inUtc = await runHere(["list"], { url: service.url, env: { TZ: "UTC" } });
      expect(inUtc.stdout.match(/STARTS/g)).to.have.length(1);
      expect(inUtc.stdout).to.include("2026-12-24T11:00:00.000Z").and.not.include("+00:00");
    });
  });

  describe("watch", () => {
    it("writes plain lines into a pipe and ends with the campaign", async () => {
      const { code, stdout, stderr } = await coupons("watch", campaignId);
      expect(code).to.equal(0);
      expect(stderr).to.equal("");
      const lines = stdout.trimEnd().split("\n");
      expect(lines).to.have.length(4);
      expect(lines[0]).to.match(/GENERATING {2}100\/1,000 codes made {2}opens in \d\d:\d\d:\d\d$/);
      expect(lines[3]).to.match(/SOLD_OUT {2}1,000\/1,000 issued {2}0 left {2}12\/s$/);
      expect(stdout).not.to.include("\x1b");
    });

    it("writes JSON lines with --json", async () => {
      const { stdout } = await coupons("watch", campaignId, "--json");
      const states = readJsonLines(stdout).map((message) => Object(message["campaign"]).state);
      expect(states.at(-1)).to.equal("CAMPAIGN_STATE_SOLD_OUT");
    });
  });

  describe("issue", () => {
    it("sends user and request id, and makes a request id where none is given", async () => {
      const { code, stdout } = await coupons("issue", campaignId, "--user", "alice", "--request-id", "R7");
      expect(code).to.equal(0);
      expect(stdout.split("\n")[0]).to.equal("가나다라마바0007");
      expect(issued[0]).to.include({ userId: "alice", requestId: "R7" });
      await coupons("issue", campaignId);
      expect(issued[1]?.userId).to.equal("");
      expect(issued[1]?.requestId).to.match(/^[0-9a-f-]{36}$/);
    });

    it("says which key is the claim's own, and warns where the user is not", async () => {
      const shown = async (...args: string[]) => {
        const { stdout, stderr, code } = await coupons("issue", ...args);
        expect(code).to.equal(0);
        return { key: /request id +\S+ {2}\((.*)\)\n/.exec(stdout)?.[1], stderr };
      };
      const user = await shown(campaignId, "--user", "alice");
      expect(user).to.deep.equal({
        key: "not kept: the key here is the user, who gets this coupon again",
        stderr: "",
      });
      const nobody = await shown(campaignId, "--user", "nobody");
      expect(nobody.key).to.include("the key here is the user");
      const alone = await shown(byRequest, "--user", "alice");
      expect(alone.key).to.equal("the key: it gets this coupon again");
      expect(alone.stderr).to.equal(
        `coupon: this campaign gives coupons by request id, not by user: another run with --user alone gets another coupon; --request-id ${issued[2]?.requestId} gets this one again\n`,
      );
      const both = await shown(byRequest, "--user", "alice", "--request-id", "R8");
      expect(both).to.deep.equal({ key: "the key: it gets this coupon again", stderr: "" });
      const unknown = await shown(campaignId, "--user", "broken");
      expect(unknown).to.deep.equal({
        key: "the key, unless the campaign is one-per-user: then it is the user",
        stderr: "",
      });
    });

    it("asks again with the same key where it is uncertain", async () => {
      const { code, stderr } = await coupons("issue", campaignId, "--user", "unsure");
      expect(code).to.equal(0);
      expect(issued).to.have.length(2);
      expect(issued[0]?.requestId).to.equal(issued[1]?.requestId);
      expect(stderr).to.match(/uncertain whether it happened, asking again with the same key/);
    });

    it("says --user where the campaign gives one coupon per user and none is given", async () => {
      const { code, stderr } = await coupons("issue", campaignId, "--request-id", "one-per-user");
      expect(code).to.equal(2);
      expect(stderr).to.equal(
        "coupon: this campaign gives one coupon per user, and no user is given; give --user and who claims\n",
      );
    });

    it("--dry-run claims nothing", async () => {
      const { code, stdout } = await coupons("issue", campaignId, "--user", "alice", "--dry-run");
      expect(code).to.equal(0);
      expect(stdout)
        .to.include("coupon.v1.CouponService/IssueCoupon")
        .and.match(/userId +alice/);
      expect(issued).to.have.length(0);
    });

    it("--json has coupon, replayed and the request id", async () => {
      const { stdout } = await coupons("issue", campaignId, "--user", "again", "--json");
      const [shown] = readJsonLines(stdout);
      expect(shown).to.have.nested.property("coupon.code", "가나다라마바0007");
      expect(shown).to.have.property("replayed", true);
      expect(shown).to.have.property("requestId", issued[0]?.requestId);
    });
  });

  describe("find", () => {
    it("looks up by user, request id or code", async () => {
      expect((await coupons("find", campaignId, "--user", "u")).code).to.equal(0);
      expect((await coupons("find", campaignId, "--request", "r")).code).to.equal(0);
      const { stdout } = await coupons("find", campaignId, "--request-id", "r2", "--json");
      expect(readJsonLines(stdout)[0]).to.have.nested.property("coupon.seq", 7);
      expect(found.map(({ userId, requestId, code }) => [userId, requestId, code])).to.deep.equal([
        ["u", "", ""],
        ["", "r", ""],
        ["", "r2", ""],
      ]);
    });

    it("a key that is not found as given is looked up without spaces and in the other Unicode form", async () => {
      const typed = ` ${"홍 길동".normalize("NFD")} `;
      const { code, stdout, stderr } = await coupons("find", campaignId, "--user", typed);
      expect(code).to.equal(0);
      expect(stdout.split("\n")[0]).to.equal("가나다라마바0007");
      expect(stderr).to.equal(
        'coupon: not found as given; found as "홍길동", with other spaces and in another Unicode form\n',
      );
      expect(found[0]).to.have.property("userId", typed);
      const asGiven = await coupons("find", campaignId, "--user", "홍길동");
      expect([asGiven.code, asGiven.stderr]).to.deep.equal([0, ""]);
    });

    it("says which key the campaign goes by where the other is given", async () => {
      const user = await coupons("find", byRequest, "--user", "zed");
      expect([user.code, user.stderr]).to.deep.equal([
        2,
        "coupon: this campaign gives coupons by request id, not by user; give --request and the request id that claimed; coupon export lists them with their users\n",
      ]);
      const request = await coupons("find", campaignId, "--request", "not-the-key");
      expect(request.stderr).to.equal(
        "coupon: this campaign gives one coupon per user, whatever the request id; give --user and who claimed\n",
      );
      const long = await coupons("find", byRequest, "--request", "r".repeat(200));
      expect(long.stderr).to.match(/the service refused --request: 1 to 128/);
    });

    it("says who has none, with the reason of the service in JSON", async () => {
      const { stderr } = await coupons("find", campaignId, "--user", "nobody");
      expect(stderr).to.equal(
        'coupon: no coupon of this campaign went to the user "nobody"; coupon export lists who has one\n',
      );
      const json = await coupons("find", campaignId, "--user", "nobody", "--json");
      expect(readJsonLines(json.stderr)[0]?.["error"]).to.include({ reason: "NO_COUPON", exitCode: 4 });
      const unknown = await coupons("find", "--code", "unknown");
      expect(unknown.code).to.equal(4);
      expect(unknown.stderr).to.match(/^coupon: nobody has this code; read it again letter by letter/);
    });

    it("--request-id is an older spelling of --request that is not shown", async () => {
      const { stdout } = await coupons("find", "--help");
      expect(stdout).to.include("--request <id>").and.not.include("--request-id");
      const both = await coupons("find", campaignId, "--request", "r", "--request-id", "r");
      expect(both.code).to.equal(2);
    });

    it("--code says who has it, in one campaign or in all", async () => {
      const { code, stdout } = await coupons("find", "--code", "가나다 0007");
      expect(code).to.equal(0);
      expect(stdout.split("\n")[0]).to.equal("가나다라마바0007");
      expect(stdout)
        .to.match(/user +alice/)
        .and.match(/name +크리스마스/)
        .and.include(campaignId);
      const json = await coupons("find", campaignId, "--code", "가나다", "--json");
      expect(readJsonLines(json.stdout)[0]).to.have.nested.property("issuance.coupon.seq", 7);
      expect(holders.map(({ code, campaignId }) => [code, campaignId])).to.deep.equal([
        ["가나다 0007", ""],
        ["가나다", campaignId],
      ]);
      expect(found).to.have.length(0);
    });

    it("--code says that a code was mistyped", async () => {
      const { code, stderr } = await coupons("find", "--code", "wrong");
      expect(code).to.equal(2);
      expect(stderr).to.match(
        /^coupon: the service refused --code: mistyped: the check character does not fit[^\n]+\n$/,
      );
    });

    it("a user or a request id needs a campaign", async () => {
      const { code, stderr } = await coupons("find", "--user", "alice");
      expect(code).to.equal(2);
      expect(stderr).to.include("coupon list shows the campaign ids");
    });

    it("exits with 4 where there is no coupon, and with 2 unless exactly one key is given", async () => {
      expect((await coupons("find", campaignId, "--user", "nobody")).code).to.equal(4);
      expect((await coupons("find", campaignId)).code).to.equal(2);
      expect((await coupons("find", campaignId, "--user", "u", "--code", "c")).code).to.equal(2);
    });
  });

  describe("formats", () => {
    it("shows a table whose columns line up, Hangul taking two cells", async () => {
      const { code, stdout, stderr } = await coupons("formats", "--total", "50000");
      expect(code).to.equal(0);
      expect(stderr).to.equal("");
      expect(described[0]).to.include({ total: 50_000 });
      const [title, heading = "", ...rows] = stdout.trimEnd().split("\n");
      expect(title).to.equal("for a campaign of 50,000 coupons");
      expect(rows).to.have.length(2);
      for (const row of rows) {
        expect(row).to.match(
          /6,341,473,654,629,534,118 {2}6,341,473,654,629 {2}1 in 5\.0 × 10\^14 {2}1 in 1,000/,
        );
        expect(cellsOf(row.slice(0, row.indexOf("6,341")))).to.equal(heading.indexOf("CODES"));
      }
      expect(rows.map((row) => /(yes|no) +예나00$/.exec(row)?.[1])).to.deep.equal(["no", "yes"]);
    });

    it("shows one format in full, whatever form it is typed in", async () => {
      const { code, stdout } = await coupons("formats", "--format", "가가가000#".normalize("NFD"));
      expect(code).to.equal(0);
      expect(described[0]?.codeFormats).to.deep.equal(["가가가000#"]);
      expect(stdout).to.match(/examples +예나00 {2}예다11 +\(예 marks them: none is a coupon\)/);
      expect(stdout)
        .to.match(/check +yes/)
        .and.match(/exist +12,000/)
        .and.match(/fits +yes/);
      expect((await coupons("formats", "--format", "가가00")).stdout).to.match(/fits +no: too small/);
    });

    it("--json is the answer of the service", async () => {
      const { stdout } = await coupons("formats", "--json");
      const [shown] = readJsonLines(stdout);
      expect(shown).to.have.nested.property("formats[1].hasCheckCharacter", true);
      expect(shown).to.have.nested.property("formats[0].codes", "6341473654629534118");
      expect(shown).to.include({ total: 1_000 });
    });
  });

  describe("status", () => {
    it("what is held before its opening would only open if it were resumed", async () => {
      const { stdout } = await coupons("status", byRequest);
      expect(stdout)
        .to.match(/PAUSED\n/)
        .and.match(/starts .*Z, would open in 00:01:30 if it were resumed\n/);
    });

    it("counts down on the server's clock", async () => {
      const { code, stdout } = await coupons("status", campaignId);
      expect(code).to.equal(0);
      expect(stdout).to.include("SCHEDULED").and.include(", in 00:01:30").and.include("sold out");
      const json = await coupons("--json", "status", campaignId);
      expect(readJsonLines(json.stdout)[0]).to.include({ millisToStart: "90000", soldOut: false });
    });
  });

  it("the token goes to the operators' service only", async () => {
    const before = service.requests.length;
    const surroundings = { url: service.url, env: { COUPON_TOKEN: "s3cret" } };
    await runHere(["get", campaignId], surroundings);
    await runHere(["status", campaignId], surroundings);
    const sent = service.requests.slice(before).map((request) => request.headers.authorization);
    expect(sent).to.deep.equal(["Bearer s3cret", undefined]);
  });

  it("unexpected errors of the service are one line without a stack", async () => {
    const broken = await startStandIn({
      campaigns: {
        getCampaign() {
          throw new ConnectError("store exploded", Code.Internal);
        },
      },
    });
    try {
      const { code, stderr } = await runHere(["get", "X"], { url: broken.url });
      expect(code).to.equal(1);
      expect(stderr).to.equal("coupon: the service failed: store exploded; its log says why\n");
      const debug = await runHere(["get", "X"], { url: broken.url, env: { COUPON_DEBUG: "1" } });
      expect(debug.stderr).to.match(/\n\s+at /);
    } finally {
      await broken.close();
    }
  });
});
