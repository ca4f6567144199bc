import { byteOrderMark } from "../../operator/csv.ts";
import { type ExportFormat, exportFormats, withMetadata } from "../../operator/export-format.ts";
import { assertInOrder } from "../../operator/export-order.ts";
import { CampaignView, type ExportedCoupon } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted, grouped } from "../../runtime/counting.ts";
import { type Bar, barOf, fittedLine, openBar } from "../bar.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { exitCodes } from "../exit-code.ts";
import { printable } from "../render.ts";
import { type ResumableSink, resumableSink } from "../resumable-sink.ts";
import type { Session } from "../session.ts";
import { fileSink, outputSink, type Sink } from "../sink.ts";
import { resumedStream } from "../stream.ts";
import { UserError } from "../user-error.ts";

const couponsPerBatch = 1_000;

export const action: Action = {
  async run(session, input) {
    const { output } = session;
    const { campaignId } = input;
    const plain = readFormat(input.text("--format") ?? (output.json ? "jsonl" : "csv"));
    const path = input.text("--out");
    const bom = input.flag("--bom") === true;
    const pageToken = input.text("--page-token") ?? "";
    if (bom && plain.name !== "csv") throw new UserError("--bom goes with --format csv only");
    if (path !== undefined && path !== "-" && pageToken !== "") {
      throw new UserError("--page-token goes with standard output only", { hint: "append with >> file" });
    }

    const toFile = path !== undefined && path !== "-";
    const resume = input.flag("--resume") === true;
    if (resume && !toFile) throw new UserError("--resume goes with --out only");

    const { issued: knownIssued, metadata } = await campaignNow(session, campaignId);
    const noted = input.flag("--meta") === true;
    const format = noted ? withMetadata(plain, metadata) : plain;
    const what = `${campaignId} ${format.name} ${bom ? "bom" : "no bom"}${noted ? " metadata" : ""}`;
    const resumable = resume && toFile ? await resumableSink(path, what) : undefined;
    const sink = resumable ?? (toFile ? await fileSink(path) : outputSink(output));
    const from = resumable?.from;
    if (from !== undefined) output.note(`going on after ${counted(from.rows, "row")}`);
    let rows: number;
    try {
      if (pageToken === "" && from === undefined)
        await sink.write((bom ? byteOrderMark : "") + format.heading);
      const copy = { campaignId, pageToken: from?.pageToken ?? pageToken, format, sink, toFile, knownIssued };
      rows = await copyRows(session, { ...copy, rowsBefore: from?.rows ?? 0, resumable });
      if (pageToken === "" && rows < knownIssued) {
        await resumable?.discard();
        throw new UserError(
          `${counted(rows, "row")} came, but ${counted(knownIssued, "coupon was", "coupons were")} issued before the export began`,
          { hint: "export again; if it stays so, the service is at fault", exitCode: exitCodes.unexpected },
        );
      }
      await sink.finish();
    } catch (error) {
      await sink.abandon();
      if (resumable !== undefined && resumable.rowsKept > 0)
        output.note(
          `${counted(resumable.rowsKept, "row is", "rows are")} kept; the same command goes on from there`,
        );
      throw error;
    }
    if (toFile && output.json) await output.write(`${JSON.stringify({ file: path, rows })}\n`);
    else output.note(`${counted(rows, "coupon")} exported${toFile ? ` to ${path}` : ""}`);
  },
};

interface Copy {
  readonly campaignId: string;
  readonly pageToken: string;
  readonly format: ExportFormat;
  readonly sink: Sink;
  readonly toFile: boolean;
  /** The least number of rows of the complete export. */
  readonly knownIssued: number;
  /** The rows of an earlier export that this one continues. */
  readonly rowsBefore: number;
  readonly resumable: ResumableSink | undefined;
}

/**
 * Copies batch by batch; the token moves on only after its batch was written, so that a broken stream repeats
 * no row and skips none.
 */
async function copyRows(session: Session, copy: Copy): Promise<number> {
  const { campaignId, format, sink, resumable, knownIssued } = copy;
  const { output } = session;
  let { pageToken, rowsBefore: rows } = copy;
  let bar: Bar | undefined;
  const closeBar = (): void => {
    bar?.close();
    bar = undefined;
  };
  let previous: ExportedCoupon | undefined;
  const batches = resumedStream(session, {
    open: (options) =>
      session.campaigns.exportCoupons({ campaignId, pageToken, batchSize: couponsPerBatch }, options),
    properEnd: "finished",
    isProgress: ({ coupons }) => coupons.length > 0,
    maxSilenceMs: session.settings.timeoutMs,
    note(text) {
      closeBar();
      output.note(text);
    },
  });
  try {
    for await (const batch of batches) {
      for (const row of batch.coupons) {
        assertInOrder(previous, row);
        previous = row;
      }
      await sink.write(batch.coupons.map(format.row).join(""));
      rows += batch.coupons.length;
      if (batch.nextPageToken !== "") pageToken = batch.nextPageToken;
      else if (batch.coupons.length > 0) throw new Error("the service sent a batch without its page token");
      await resumable?.reached(pageToken, rows);
      // There is no bar where the rows themselves are written to the terminal.
      if (copy.toFile && output.interactive && bar === undefined)
        bar = openBar(output, (columns) => exportLine(rows, Math.max(rows, knownIssued), columns));
    }
  } catch (error) {
    closeBar();
    if (!copy.toFile && pageToken !== "" && rows > 0) {
      output.note(
        `${counted(rows, "row is", "rows are")} out; --page-token ${printable(pageToken)} goes on from there`,
      );
    }
    throw error;
  } finally {
    closeBar();
  }
  return rows;
}

/** How many rows of the coupons are exported, in one line of so many columns. */
export function exportLine(rows: number, of: number, columns: number): string {
  return fittedLine(
    columns,
    (cells) => `${barOf(rows, of, cells)}${grouped(rows)} of ${counted(of, "coupon")}`,
  );
}

async function campaignNow(session: Session, campaignId: string) {
  const request = { campaignId, view: CampaignView.BASIC };
  const answer = await call(session, (options) => session.campaigns.getCampaign(request, options));
  return { issued: answer.campaign?.issued ?? 0, metadata: answer.campaign?.metadata ?? {} };
}

function readFormat(name: string): ExportFormat {
  const format = exportFormats.find((candidate) => candidate.name === name);
  if (format === undefined) throw new UserError(`--format: "${name}" is not csv or jsonl`);
  return format;
}
