import { toJson } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { CreateCampaignRequestSchema } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { serverMs, withRecordedCalls } from "../support/recorded-calls.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaignId, startMs } from "../support/stand-in.ts";

describe("cli create", () => {
  const calls = withRecordedCalls();
  const { coupons, created } = calls;
  const create = (...args: string[]) => coupons("create", "--name", "xmas", "--total", "1000", ...args);

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

  it("--meta is given as often as there are entries, and refused where it is none", async () => {
    const { code } = await create("--start", "+1d", "--meta", "channel=app", "--meta", "note=a=b c");
    expect(code).to.equal(0);
    expect(created.at(-1)?.metadata).to.deep.equal({ channel: "app", note: "a=b c" });
    const before = created.length;
    for (const [wrong, words] of [
      [["--meta", "channel"], '--meta: "channel" is none'],
      [["--meta", "=app"], "is none"],
      [["--meta", "channel="], "is none"],
      [["--meta", "a=1", "--meta", "a=2"], "--meta: a is given twice"],
    ] as const) {
      const refused = await create("--start", "+1d", ...wrong);
      expect([refused.code, refused.stderr.includes(words)]).to.deep.equal([2, true]);
    }
    expect(created.length).to.equal(before);
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
    expect(echo).to.include("opens at 2026-12-24 20:00:00.000+09:00 (Asia/Seoul) = 2026-12-24T11:00:00.000Z");
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
      `would send coupon.v1.CampaignService/CreateCampaign to ${calls.url}`,
    );
    expect(stdout).to.include(
      "2026-12-24 20:00:00.000+09:00 (Asia/Seoul) = 2026-12-24 12:00:00.000+01:00 (Europe/Berlin) = 2026-12-24T11:00:00.000Z",
    );
    expect(stdout)
      .to.match(/endsAt +\(none: it never ends\)/)
      .and.match(/Z, in 01:23:20\n/)
      .and.match(/codeFormat +\(the default, 가{6}0000\)/)
      .and.match(/requestId +R9/);
    expect(stderr).to.equal("coupon: dry run: nothing was sent, and the service has not checked it\n");
  });

  it("--dry-run --json is the body that the call then has", async () => {
    const args = ["--start", "2026-12-24T11:00:00Z", "--request-id", "R9", "--one-per-user"];
    const dry = readJsonLines((await create(...args, "--dry-run", "--json")).stdout)[0];
    expect(dry).to.include({
      dryRun: true,
      url: calls.url,
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
