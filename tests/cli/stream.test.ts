import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, campaignId, coupon, type StandIn, startMs, startStandIn } from "../support/stand-in.ts";

/** The progress of each stream before it breaks. */
interface Opening {
  readonly reading?: number;
  readonly what?: string;
  readonly done: number;
}

describe("cli streams that break again and again", () => {
  let service: StandIn;
  let openings: Opening[] = [];
  let opened = 0;
  let issued = 0;
  let said: ConnectError | undefined;
  let exportSays: ConnectError | undefined;
  const broken = () => said ?? new ConnectError("going down", Code.Unavailable);

  before(async () => {
    service = await startStandIn({
      campaigns: {
        getCampaign: () => ({ campaign: campaign({ state: CampaignState.OPEN, issued: 1 }) }),
        async *verifyCampaign() {
          const { reading = 1, what = "codes", done } = openings[opened] ?? { done: 0 };
          opened++;
          yield { message: { case: "progress", value: { reading: 1, what: "codes", done: 0, of: 100 } } };
          yield { message: { case: "progress", value: { reading, what, done, of: 100 } } };
          if (opened < openings.length || openings.length === 0) throw broken();
          yield { message: { case: "report", value: { live: false, readings: 1, issued: 1, total: 1 } } };
        },
        async *watchCampaign() {
          opened++;
          issued += 1;
          const isOver = opened === openings.length;
          const moves = openings.length > 0;
          const state = isOver ? CampaignState.SOLD_OUT : CampaignState.OPEN;
          yield {
            campaign: campaign({ state, issued: moves ? issued : 7 }),
            serverTime: timestampFromMs(startMs + opened * 1_000),
          };
          throw broken();
        },
        async *exportCoupons({ pageToken }) {
          if (exportSays !== undefined) throw exportSays;
          opened++;
          if (openings.length === 0) yield { coupons: [], nextPageToken: pageToken };
          else yield { coupons: [{ coupon: coupon(opened), userId: "u" }], nextPageToken: `${opened}` };
          if (opened < openings.length || openings.length === 0) throw broken();
        },
        listHistory: () => ({ entries: [], nextPageToken: exportSays === undefined ? "the same" : "" }),
        listCampaigns: () => ({ campaigns: [], nextPageToken: "the same" }),
      },
    });
  });
  beforeEach(() => {
    openings = [];
    opened = 0;
    issued = 0;
    said = undefined;
    exportSays = undefined;
  });
  after(() => service.close());

  const run = (...args: string[]) => runHere([...args, "--retries", "2"], { url: service.url });

  for (const verb of ["verify", "watch", "export"]) {
    it(`${verb} is given up after so many openings that told nothing new`, async () => {
      const { code, stderr } = await run(verb, campaignId);
      expect([code, opened], stderr).to.deep.equal([5, 3]);
      expect(stderr).to.match(/\(1 of 2\)\n.*\(2 of 2\)\n/);
    });

    if (verb === "verify") continue;
    it(`${verb} goes on for as long as each opening gets further`, async () => {
      openings = [10, 20, 30, 40, 50].map((done) => ({ done }));
      const { code, stderr } = await run(verb, campaignId);
      expect([code, opened], stderr).to.deep.equal([0, 5]);
      expect(stderr.match(/\(1 of 2\)/g)).to.have.length(4);
    });
  }

  it("verify is given up after so many openings, however far each of them gets: it begins anew each time", async () => {
    openings = [10, 20, 30, 40].map((done, i) => ({ reading: 1 + i, done }));
    const { code, stderr } = await run("verify", campaignId);
    expect([code, opened], stderr).to.deep.equal([5, 3]);
    expect(stderr).to.match(/\(1 of 2\)\n.*\(2 of 2\)\n/);
  });

  it("verify comes to its end where an opening is whole before the tries are used up", async () => {
    openings = [{ done: 50 }, { done: 10 }, { done: 100 }];
    const { code, stderr } = await run("verify", campaignId);
    expect([code, opened], stderr).to.deep.equal([0, 3]);
  });

  for (const verb of ["verify", "watch", "export"])
    it(`${verb} does not ask again where the service itself says that it failed`, async () => {
      said = new ConnectError("internal error; it has been logged", Code.Internal);
      const { code, stderr } = await run(verb, campaignId);
      expect([code, opened], stderr).to.deep.equal([1, 1]);
      expect(stderr).to.match(/the service failed: internal error; it has been logged/);
    });

  for (const args of [["history", campaignId], ["list"], ["rehearse", "--clean"]])
    it(`${args[0]} does not read the same page for ever`, async () => {
      const { code, stderr } = await run(...args);
      expect(code, stderr).to.equal(1);
      expect(stderr).to.match(/the service repeats a page token/);
    });

  describe("a document of the store that is damaged", () => {
    const words = "MongoDB: issuances, code#01ab: issuedAt is a string, not a date";

    it("export names it, and says what to do", async () => {
      openings = [{ done: 0 }, { done: 0 }];
      said = new ConnectError(words, Code.DataLoss);
      const { code, stderr } = await run("export", campaignId);
      expect(code).to.equal(1);
      expect(stderr).to.include(`stored data is damaged: ${words}; mend or remove that document`);
      expect(stderr).not.to.include("bug");
    });

    it("verify has it as what it found", async () => {
      openings = [{ done: 0 }, { done: 0 }];
      said = new ConnectError(words, Code.DataLoss);
      const { code, stderr } = await run("verify", campaignId);
      expect(code).to.equal(8);
      expect(stderr).to.include(words);
    });

    it("verify --history shows what both stores say, and why the callers' records were not looked at", async () => {
      const folder = await mkdtemp(join(tmpdir(), "coupon-damaged-"));
      try {
        const file = join(folder, "history.jsonl");
        await writeFile(file, "");
        openings = [{ done: 0 }, { done: 0 }, { done: 0 }];
        // The audit ends with its first stream, the export's stream breaks.
        opened = 2;
        exportSays = new ConnectError(words, Code.DataLoss);
        const { code, stdout, stderr } = await run("verify", campaignId, "--history", file);
        expect([code, stderr]).to.deep.equal([11, stderr]);
        expect(stdout).to.include("both stores").and.include(`callers' records, ${file}: not judged`);
        expect(stdout).to.match(
          /U2 +NOT JUDGED .*the service cannot list its issuances: MongoDB: issuances, code#01ab/,
        );
        opened = 2;
        const told = JSON.parse((await run("verify", campaignId, "--history", file, "--json")).stdout);
        expect(told.history.unread).to.equal(words);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  });
});
