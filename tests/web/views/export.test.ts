import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { byteOrderMark } from "../../../operator/csv.ts";
import { CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  CampaignService,
  type ExportCouponsResponse,
  ExportCouponsResponseSchema,
} from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { createExportJob, type ExportFormatName } from "../../../web/console/views/export/export-job.ts";
import { delayMs, IncompleteExport } from "../../../web/console/views/export/export-run.ts";
import { type FileSink, inPieces } from "../../../web/console/views/export/file-sink.ts";
import { runHere } from "../../support/run-here.ts";
import { campaign, campaignId, coupon, type StandIn, startStandIn } from "../../support/stand-in.ts";

const BATCH = 4;

/** User ids that a spreadsheet would take for formulas, or that need quotes. */
const HOSTILE = ["=cmd()", 'a "b", c', "+1", "-1", "@x", "\t=1", "＝1", "한 글", " edge ", "a\nb"];

type Fault = "cut" | "unavailable" | "denied";

describe("console: export", () => {
  let service: StandIn;
  let total = 10;
  let issued = 10;
  let state: CampaignState = CampaignState.SOLD_OUT;
  let faults = new Map<number, Fault[]>();
  let tokens: string[] = [];

  function batch(from: number): ExportCouponsResponse {
    const size = Math.max(0, Math.min(BATCH, total - from));
    const coupons = Array.from({ length: size }, (_, index) => {
      const seq = from + index + 1;
      const code = `가나다라마바${String(seq).padStart(4, "0")}`;
      const userId = HOSTILE[seq % HOSTILE.length] ?? "";
      return { coupon: coupon(seq, code), userId: `${userId}`, requestId: `r${seq}`, generation: 1 };
    });
    return create(ExportCouponsResponseSchema, { coupons, nextPageToken: `at-${from + size}` });
  }

  before(async () => {
    service = await startStandIn({
      campaigns: {
        getCampaign: () => ({ campaign: campaign({ issued, state }) }),
        async *exportCoupons({ pageToken }) {
          tokens.push(pageToken);
          for (let from = Number(pageToken.replace("at-", "") || 0); from < total; from += BATCH) {
            const fault = faults.get(from)?.shift();
            if (fault === "cut") service.breakConnections();
            if (fault === "unavailable") throw new ConnectError("going down", Code.Unavailable);
            if (fault === "denied") throw new ConnectError("not yours", Code.PermissionDenied);
            yield batch(from);
          }
        },
      },
    });
  });
  beforeEach(() => {
    total = 10;
    issued = 10;
    state = CampaignState.SOLD_OUT;
    faults = new Map();
    tokens = [];
  });
  after(() => service.close());

  /** A file in memory. */
  function memoryFile() {
    const file = { text: "", isFinished: false, isAbandoned: false };
    const sink: FileSink = {
      async write(text) {
        file.text += text;
      },
      async finish() {
        file.isFinished = true;
      },
      async abandon() {
        file.isAbandoned = true;
      },
    };
    return { file, sink };
  }

  function job() {
    const { file, sink } = memoryFile();
    const transport = createConnectTransport({ baseUrl: service.url, httpVersion: "1.1" });
    const names: string[] = [];
    const exporting = createExportJob({
      api: createClient(CampaignService, transport),
      campaignId,
      async openFile({ name }) {
        names.push(name);
        return inPieces(sink, 200);
      },
      // Without waiting: order and outcome are tested, not time.
      async wait() {},
    });
    return { exporting, file, names };
  }

  for (const format of ["csv", "jsonl"] as const satisfies readonly ExportFormatName[]) {
    it(`writes what coupon export --format ${format} writes`, async () => {
      total = issued = 23;
      const { exporting, file, names } = job();
      await exporting.start({ format, bom: true });
      const bom = format === "csv" ? ["--bom"] : [];
      const { code, stdout } = await runHere(["export", campaignId, "--format", format, ...bom], {
        url: service.url,
      });
      expect(code).to.equal(0);
      expect(file.text).to.equal(stdout);
      expect(file.text.startsWith(byteOrderMark)).to.equal(format === "csv");
      expect(file).to.include({ isFinished: true, isAbandoned: false });
      expect(exporting.state.get()).to.deep.equal({ kind: "done", rows: 23, name: names[0] });
      expect(names).to.deep.equal([`coupons-${campaignId}.${format}`]);
    });
  }

  it("goes on behind the last row after breaks: no row twice, none lost", async () => {
    total = issued = 23;
    faults = new Map<number, Fault[]>([
      [0, ["unavailable", "cut"]],
      [8, ["cut", "unavailable", "cut"]],
      [20, ["unavailable"]],
    ]);
    const { exporting, file } = job();
    await exporting.start({ format: "jsonl", bom: false });
    const seqs = file.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).seq);
    expect(seqs).to.deep.equal(Array.from({ length: 23 }, (_, index) => index + 1));
    expect([...faults.values()].flat(), "every fault happened").to.deep.equal([]);
    expect(tokens.at(-1)).to.equal("at-20");
  });

  it("stops after many breaks in a row, keeps its rows, and goes on when the operator says so", async () => {
    faults = new Map<number, Fault[]>([[8, Array.from({ length: 8 }, () => "unavailable" as const)]]);
    const { exporting, file } = job();
    await exporting.start({ format: "csv", bom: false });
    const broken = exporting.state.get();
    expect(broken).to.deep.include({ kind: "broken" });
    expect(broken.kind === "broken" && broken.progress.rows).to.equal(8);
    expect(file).to.include({ isFinished: false, isAbandoned: false });
    await exporting.goOn();
    expect(exporting.state.get()).to.deep.include({ kind: "done", rows: 10 });
    expect(file.text.trimEnd().split("\n")).to.have.length(
      11 + 1,
      "a heading, ten rows, one with a line break",
    );
  });

  it("makes no file where rows are missing, or too many came from a sale at rest", async () => {
    issued = 11;
    const short = job();
    await short.exporting.start({ format: "csv", bom: false });
    expect(short.exporting.state.get()).to.deep.include({ kind: "failed" });
    expect(short.file).to.include({ isFinished: false, isAbandoned: true });
    issued = 9;
    const long = job();
    await long.exporting.start({ format: "csv", bom: false });
    const failed = long.exporting.state.get();
    expect(failed.kind === "failed" && failed.error).to.be.instanceOf(IncompleteExport);
    state = CampaignState.OPEN;
    issued = 11;
    const lost = job();
    await lost.exporting.start({ format: "csv", bom: false });
    expect(lost.exporting.state.get(), "a sale that goes on has at least what it had").to.deep.include({
      kind: "failed",
    });
    issued = 9;
    const live = job();
    await live.exporting.start({ format: "csv", bom: false });
    expect(live.exporting.state.get()).to.deep.include({ kind: "done", rows: 10 });
  });

  it("gives the file up where the service refuses", async () => {
    faults = new Map<number, Fault[]>([[4, ["denied"]]]);
    const { exporting, file } = job();
    await exporting.start({ format: "csv", bom: false });
    expect(exporting.state.get()).to.deep.include({ kind: "failed" });
    expect(file).to.include({ isFinished: false, isAbandoned: true });
  });

  it("waits longer from break to break, and never long", () => {
    expect([1, 2, 3, 5, 6, 20].map(delayMs)).to.deep.equal([500, 1_000, 2_000, 8_000, 10_000, 10_000]);
  });

  it("hands rows on in large pieces, and the rest at the end", async () => {
    const { file, sink } = memoryFile();
    const writes: string[] = [];
    const pieces = inPieces({ ...sink, write: async (text) => void writes.push(text) }, 5);
    for (const text of ["ab", "cd", "ef", "g"]) await pieces.write(text);
    expect(writes).to.deep.equal(["abcdef"]);
    await pieces.finish();
    expect(writes).to.deep.equal(["abcdef", "g"]);
    expect(file.isFinished).to.equal(true);
  });
});
