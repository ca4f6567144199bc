import { type Timestamp, timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import {
  type Answers,
  campaign,
  campaignId,
  refusal,
  type StandIn,
  startMs,
  startStandIn,
} from "../support/stand-in.ts";

describe("cli: the life of a campaign", () => {
  let service: StandIn;
  /** The requests that the service got, in order. */
  let asked: Record<string, unknown>[];
  let already: boolean;
  let standing: CampaignState;

  const note = (verb: string, state: CampaignState) => (request: object) => {
    asked.push({ verb, ...request });
    return { campaign: campaign({ state, issued: 400 }), already, notices: ["mind this"] };
  };
  const campaigns: NonNullable<Answers["campaigns"]> = {
    getCampaign: () => ({
      campaign: campaign({ state: standing, issued: 400 }),
      serverTime: timestampFromMs(startMs),
    }),
    listCampaigns: () => ({ serverTime: timestampFromMs(startMs) }),
    pauseCampaign: note("pause", CampaignState.PAUSED),
    resumeCampaign: note("resume", CampaignState.OPEN),
    rescheduleCampaign: note("reschedule", CampaignState.SCHEDULED),
    addCoupons: note("add", CampaignState.SOLD_OUT),
    updateCampaign: note("edit", CampaignState.OPEN),
    endCampaign: note("end", CampaignState.ENDED),
    cancelCampaign: note("cancel", CampaignState.CANCELLED),
  };

  beforeEach(async () => {
    asked = [];
    already = false;
    standing = CampaignState.OPEN;
    service = await startStandIn({ campaigns });
  });

  afterEach(() => service.close());

  const run = (args: string, env: Record<string, string> = {}) =>
    runHere(args.split(" "), { url: service.url, env: { COUPON_ACTOR: "kim@desk", ...env } });

  /** Without the dry runs. */
  const changesAsked = () => asked.filter(({ dryRun }) => dryRun !== true);

  const VERBS = {
    [`pause ${campaignId}`]: { verb: "pause", done: "paused" },
    [`resume ${campaignId}`]: { verb: "resume", done: "resumed" },
    [`reschedule ${campaignId} --start +1h`]: { verb: "reschedule", done: "rescheduled" },
    [`add ${campaignId} --count 500 --yes`]: { verb: "add", done: "raised by 500" },
    [`edit ${campaignId} --name new`]: { verb: "edit", done: "changed" },
    [`end ${campaignId} --yes`]: { verb: "end", done: "ended" },
    [`cancel ${campaignId} --yes`]: { verb: "cancel", done: "cancelled" },
  };
  for (const [line, { verb, done }] of Object.entries(VERBS)) {
    it(`${verb}: sends actor and request id, tells what came of it, and says so where it was so already`, async () => {
      const first = await run(`${line} --request-id r1`);
      expect(first).to.include({ code: 0 });
      expect(first.stdout)
        .to.match(new RegExp(`^${done}: ${campaignId}`))
        .and.to.contain("note: mind this");
      expect(asked).to.have.length(1);
      expect(asked[0]).to.include({ verb, campaignId, actor: "kim@desk", requestId: "r1", dryRun: false });
      already = true;
      const again = await run(`${line} --json --actor lee`);
      expect(readJsonLines(again.stdout)[0]).to.deep.include({ already: true, notices: ["mind this"] });
      expect(asked[1]).to.include({ verb, actor: "lee" });
      expect(asked[1]?.["requestId"]).to.match(/^[0-9a-f-]{36}$/);
      expect((await run(line)).stdout).to.match(new RegExp(`^already ${done}: `));
    });

    it(`${verb}: --dry-run sends nothing, --dry-run=server asks the service and changes nothing`, async () => {
      const unsent = await run(`${line.replace(" --yes", "")} --dry-run`);
      expect([unsent.code, asked]).to.deep.equal([0, []]);
      expect(unsent.stdout).to.contain("would send coupon.v1.CampaignService/").and.to.contain("kim@desk");
      const spelled = await run(`${line.replace(" --yes", "")} --dry-run=client`);
      expect([spelled.stdout.split("\n")[0], asked]).to.deep.equal([unsent.stdout.split("\n")[0], []]);
      const checked = await run(`${line.replace(" --yes", "")} --dry-run=server`);
      expect(checked.stdout).to.match(new RegExp(`^would be ${done}: `));
      expect(checked.stderr).not.to.include("deprecated");
      expect(asked).to.have.length(1);
      expect(asked[0]).to.include({ verb, dryRun: true });
      // The flag's name before this release.
      const old = await run(`${line.replace(" --yes", "")} --check`);
      expect([old.code, old.stdout]).to.deep.equal([0, checked.stdout]);
      expect(old.stderr).to.include("--check is deprecated").and.include("--dry-run=server");
      expect(asked[1]).to.include({ verb, dryRun: true });
    });
  }

  it("--dry-run before the campaign id leaves the id alone; a mode is one of two", async () => {
    expect((await run(`pause --dry-run ${campaignId}`)).stdout)
      .to.include("would send")
      .and.include(campaignId);
    expect((await run(`pause --dry-run server ${campaignId}`)).stdout).to.match(/^would be paused: /);
    const { code, stderr } = await run(`pause ${campaignId} --dry-run=both`);
    expect([code, stderr]).to.deep.equal([
      2,
      'coupon: --dry-run: "both" is not one of client, server; client shows what would be sent, server has the service check it\n',
    ]);
    expect(changesAsked()).to.deep.equal([]);
  });

  it("--dry-run=server of a verb that the service cannot check is refused, and nothing is sent", async () => {
    for (const line of [`issue ${campaignId} --user kim`, "create --name x --total 1 --start +1h"]) {
      const { code, stderr } = await run(`${line} --dry-run=server`);
      expect([code, asked]).to.deep.equal([2, []]);
      expect(stderr).to.include("the service has no check for this verb").and.include("--dry-run=client");
    }
  });

  for (const [line, what] of [
    [`end ${campaignId}`, /end 01JSTANDIN0{16} \(크리스마스\) now: 600 of 1,000 coupons are not issued/],
    [
      `cancel ${campaignId}`,
      /cancel 01JSTANDIN0{16} \(크리스마스\): its 600 unissued coupons are retired for ever, 400 stay/,
    ],
    [
      `add ${campaignId} --count 500`,
      /add 500 to 01JSTANDIN0{16} \(크리스마스\): its 1,000 coupons become 1,500, and none can be taken away/,
    ],
    [
      `reschedule ${campaignId} --start now --no-end`,
      /reschedule 01JSTANDIN0{16} \(크리스마스\) to a start that has come: it opens at once/,
    ],
    [
      `reschedule ${campaignId} --start 2026-12-24T10:59:59Z`,
      /opens at 2026-12-24 19:59:59\.000\+09:00 \(Asia\/Seoul\) = 2026-12-24T10:59:59\.000Z, which was 1\.0s ago\n.*it opens at once/,
    ],
  ] as const) {
    it(`${line}: nobody can be asked, so it refuses without --yes, and says what it would have done`, async () => {
      const refused = await run(line);
      expect([refused.code, changesAsked()]).to.deep.equal([7, []]);
      expect(refused.stderr).to.match(what).and.to.contain("--yes");
    });
  }

  it("nobody is asked about what is so already, or is refused anyway", async () => {
    already = true;
    const done = await run(`cancel ${campaignId}`);
    expect([done.code, changesAsked()]).to.deep.equal([0, []]);
    expect(done.stdout).to.match(/^already cancelled: /);
    await service.close();
    service = await startStandIn({
      campaigns: {
        ...campaigns,
        endCampaign() {
          throw refusal(Code.FailedPrecondition, RefusalReason.NOT_ALLOWED, { message: "has not opened" });
        },
      },
    });
    const refused = await run(`end ${campaignId}`);
    expect(refused.code).to.equal(3);
    expect(refused.stderr).to.equal(
      "coupon: has not opened; coupon history shows what was done with it; docs/life-cycle.md has the whole table\n",
    );
  });

  it("--dry-run does not read as if the end were touched, and says how far away the start is", async () => {
    const later = (await run(`reschedule ${campaignId} --start +40m --dry-run`)).stdout;
    expect(later)
      .to.match(/startsAt .*Z, in 00:40:00\n/)
      .and.match(/endsAt +\(unchanged\)\n/)
      .and.not.match(/noEnd|dryRun/);
    const past = (await run(`reschedule ${campaignId} --start 2026-12-24T10:59:59Z --no-end --dry-run`))
      .stdout;
    expect(past)
      .to.match(/startsAt .*Z, which has come: opens at once\n/)
      .and.match(/endsAt +\(none from now on\)\n/)
      .and.match(/noEnd +true\n/);
    expect((await run(`edit ${campaignId} --end 2027-01-01T00:00:00Z --dry-run`)).stdout).to.match(
      /name +\(unchanged\)\n/,
    );
    const body = readJsonLines(
      (await run(`reschedule ${campaignId} --start +40m --dry-run --json`)).stdout,
    )[0];
    expect(body?.["request"]).to.include({ noEnd: false, dryRun: false });
  });

  it("add without --yes in a script: the code says that it was not confirmed", async () => {
    const { code, stderr } = await run(`add ${campaignId} --count 500 --json`);
    expect([code, changesAsked()]).to.deep.equal([7, []]);
    expect(readJsonLines(stderr)[0]).to.have.nested.property("error.code", "not_confirmed");
  });

  it("edit --end now points to coupon end", async () => {
    const { code, stderr } = await run(`edit ${campaignId} --end now`);
    expect([code, asked]).to.deep.equal([2, []]);
    expect(stderr).to.include(`coupon end ${campaignId} ends it at once`);
  });

  it("edit --forget-users-after asks only where the campaign is over, --keep-users never", async () => {
    expect((await run(`edit ${campaignId} --forget-users-after 30`)).code).to.equal(0);
    expect(asked).to.have.length(1);
    expect(asked[0]).to.include({ forgetUsersAfterDays: 30, keepUsers: false });
    standing = CampaignState.ENDED;
    const refused = await run(`edit ${campaignId} --forget-users-after 30`);
    expect([refused.code, changesAsked().length]).to.deep.equal([7, 1]);
    expect(refused.stderr).to.include("400 coupons issued, 30 days after it became so");
    expect((await run(`edit ${campaignId} --forget-users-after 30 --yes`)).code).to.equal(0);
    expect((await run(`edit ${campaignId} --keep-users`)).code).to.equal(0);
    expect(asked.at(-1)).to.include({ forgetUsersAfterDays: 0, keepUsers: true });
    expect((await run(`edit ${campaignId} --keep-users --dry-run`)).stdout).to.match(
      /forgetUsersAfterDays +\(never from now on\)\n/,
    );
  });

  it("pause before the opening says that it will not open", async () => {
    expect((await run(`pause ${campaignId}`)).stdout).to.match(
      /starts .*Z, but does not open unless it is resumed\n/,
    );
  });

  it("reschedule: relative instants count from the server's clock, the end from the start; --no-end", async () => {
    await run(`reschedule ${campaignId} --start +10m --end start+2h`);
    const { startsAt, endsAt, noEnd } = asked[0] as {
      startsAt: Timestamp;
      endsAt: Timestamp;
      noEnd: boolean;
    };
    expect([startsAt, endsAt].map((at) => timestampDate(at).getTime() - startMs)).to.deep.equal([
      600_000, 7_800_000,
    ]);
    expect(noEnd).to.equal(false);
    await run(`reschedule ${campaignId} --start 2026-12-24T21:00:00+09:00 --no-end`);
    expect(asked[1]).to.include({ noEnd: true }).and.not.to.have.property("endsAt");
  });

  it("reschedule and edit say the instants back in full before anything is sent, in the zone that was named too", async () => {
    const start = ["--start", "2026-12-24 13:00 Europe/Berlin", "--end", "start+2h"];
    const moved = await runHere(["reschedule", campaignId, ...start], { url: service.url });
    expect(moved.stderr).to.equal(
      "coupon: opens at 2026-12-24 21:00:00.000+09:00 (Asia/Seoul) = 2026-12-24 13:00:00.000+01:00 (Europe/Berlin) = " +
        "2026-12-24T12:00:00.000Z, in 01:00:00; ends at 2026-12-24 23:00:00.000+09:00 (Asia/Seoul) = " +
        "2026-12-24 15:00:00.000+01:00 (Europe/Berlin) = 2026-12-24T14:00:00.000Z\n",
    );
    expect(moved.stdout).to.match(/ {2}starts .*\n +2026-12-24 \d\d:00:00\.000\+01:00 \(Europe\/Berlin\)\n/);
    expect((await run(`edit ${campaignId} --end 2026-12-25T00:00:00Z`)).stderr).to.equal(
      "coupon: ends at 2026-12-25 09:00:00.000+09:00 (Asia/Seoul) = 2026-12-25T00:00:00.000Z\n",
    );
    expect((await run(`edit ${campaignId} --no-end`)).stderr).to.equal("coupon: never ends\n");
    expect((await run(`edit ${campaignId} --name new`)).stderr).to.equal("");
    const unsent = await runHere(["reschedule", campaignId, "--start", "2026-12-24T12:00:00Z"], {
      url: "http://127.0.0.1:1",
    });
    expect([unsent.code, asked.length]).to.deep.equal([5, 4]);
  });

  it("reschedule: a start that has come opens nothing while it is paused, so nothing is asked", async () => {
    standing = CampaignState.PAUSED;
    expect((await run(`reschedule ${campaignId} --start now`)).code).to.equal(0);
    expect(asked).to.have.length(1);
  });

  it("notices are told in the operator's words and zone", async () => {
    await service.close();
    const notice = "starts_at has passed (2026-12-24T11:00:00.000Z): the campaign opens at once";
    service = await startStandIn({
      campaigns: { resumeCampaign: () => ({ campaign: campaign(), notices: [notice] }) },
    });
    expect((await run(`resume ${campaignId}`)).stdout).to.contain(
      "note: the start has passed (2026-12-24 20:00:00.000+09:00 (Asia/Seoul) = 2026-12-24T11:00:00.000Z): the campaign opens at once\n",
    );
  });

  it("mistakes are told before anything is sent", async () => {
    for (const [line, words] of [
      [`add ${campaignId}`, "--count is missing"],
      [`add ${campaignId} --count 0`, "--count"],
      [`reschedule ${campaignId}`, "--start is missing"],
      [`reschedule ${campaignId} --start tomorrow`, "is not an instant"],
      [`reschedule ${campaignId} --start +2h --end +1h`, "--end is not after --start"],
      [`edit ${campaignId}`, "there is nothing to change"],
      [`edit ${campaignId} --end start+1h`, "counts from --start"],
      [`edit ${campaignId} --forget-users-after 0`, "--forget-users-after"],
      [`edit ${campaignId} --forget-users-after 1 --keep-users`, "are not for one edit"],
    ] as const) {
      const { code, stderr } = await run(line);
      expect([code, asked], line).to.deep.equal([2, []]);
      expect(stderr).to.contain(words);
    }
  });

  it("reschedule of a campaign that opens no more does not begin with when it would open", async () => {
    for (const over of [CampaignState.ENDED, CampaignState.CANCELLED]) {
      standing = over;
      const { stderr } = await run(`reschedule ${campaignId} --start 2027-01-01T10:00:00Z --yes`);
      expect(stderr).not.to.include("opens at");
    }
    standing = CampaignState.SCHEDULED;
    const { stderr } = await run(`reschedule ${campaignId} --start 2027-01-01T10:00:00Z --yes`);
    expect(stderr).to.include("opens at");
  });

  it("a refusal tells the state and what is allowed, and exits as refused", async () => {
    await service.close();
    const message =
      "end is not possible: the campaign has not opened yet (SCHEDULED); allowed now: pause, cancel";
    service = await startStandIn({
      campaigns: {
        ...campaigns,
        endCampaign: () => {
          const allowed = ["pause", "cancel"];
          const more = { message, state: CampaignState.SCHEDULED, allowed };
          throw refusal(Code.FailedPrecondition, RefusalReason.NOT_ALLOWED, more);
        },
      },
    });
    const { code, stderr } = await run(`end ${campaignId} --yes`);
    expect(code).to.equal(3);
    expect(stderr).to.contain(message);
    const json = await run(`end ${campaignId} --yes --json`);
    const told = { reason: "NOT_ALLOWED", state: "SCHEDULED", allowed: ["pause", "cancel"] };
    expect(readJsonLines(json.stderr)[0]?.["error"]).to.deep.include(told);
  });

  describe("history", () => {
    const settings = {
      state: CampaignState.OPEN,
      name: "크리스마스",
      total: 1_000,
      adding: 0,
      startsAt: timestampFromMs(startMs),
    };
    const entries = [
      {
        revision: 2,
        at: timestampFromMs(startMs + 1),
        actor: "kim\u001b[31m",
        verb: "pause",
        before: settings,
        after: { ...settings, state: CampaignState.PAUSED },
      },
      { revision: 1, at: timestampFromMs(startMs), actor: "", verb: "create", after: settings },
    ];
    let pages: object[];
    let erased: { readonly count: number; readonly places: string[] } | undefined;

    beforeEach(async () => {
      pages = [];
      erased = undefined;
      await service.close();
      service = await startStandIn({
        campaigns: {
          listHistory(request) {
            pages.push({ pageSize: request.pageSize, pageToken: request.pageToken });
            if (erased !== undefined)
              return { entries: [{ revision: 3, verb: "erase", before: settings, after: settings, erased }] };
            const shown = request.pageToken === "" ? entries.slice(0, 1) : entries.slice(1);
            return { entries: shown, nextPageToken: request.pageToken === "" ? "2" : "" };
          },
        },
      });
    });

    it("newest first, page by page: who, when, what it was and became; what an actor wrote obeys nobody", async () => {
      const { code, stdout } = await run(`history ${campaignId}`);
      expect(code).to.equal(0);
      expect(stdout).to.contain("state: OPEN → PAUSED").and.not.to.contain("\u001b[31m");
      expect(stdout.indexOf("pause")).to.be.lessThan(stdout.indexOf("create"));
      expect(stdout).to.contain("by (not given)").and.to.contain("coupons: 1,000");
      expect(stdout.match(/name:/g)).to.have.length(1);
      expect(pages).to.deep.equal([
        { pageSize: 100, pageToken: "" },
        { pageSize: 99, pageToken: "2" },
      ]);
    });

    it("an erasure shows the places of its coupons, as many as can be read", async () => {
      erased = { count: 2, places: ["1-7", "2-1"] };
      const few = await run(`history ${campaignId}`);
      erased = { count: 30, places: Array.from({ length: 30 }, (_, at) => `1-${at + 1}`) };
      const many = await run(`history ${campaignId}`);
      expect(few.stdout).to.contain("users erased of: 2 coupons, 1-7, 2-1\n");
      expect(many.stdout).to.match(/30 coupons, 1-1, .*1-20, … \(--json has them\)\n/);
    });

    it("--limit and --json", async () => {
      const { stdout, stderr } = await run(`history ${campaignId} --json --limit 1`);
      expect(readJsonLines(stdout).map(({ verb, revision }) => [verb, revision])).to.deep.equal([
        ["pause", 2],
      ]);
      expect(stderr).to.contain("there are older entries");
      expect(pages).to.have.length(1);
    });
  });
});
