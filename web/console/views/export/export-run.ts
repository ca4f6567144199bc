import { Code, ConnectError } from "@connectrpc/connect";
import { byteOrderMark } from "../../../../operator/csv.ts";
import type { ExportFormat } from "../../../../operator/export-format.ts";
import { assertInOrder } from "../../../../operator/export-order.ts";
import { type Campaign, CampaignState } from "../../../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  CampaignView,
  type ExportCouponsRequest,
  type ExportCouponsResponse,
  type ExportedCoupon,
  type GetCampaignRequest,
} from "../../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { isBroken } from "../broken.ts";
import type { FileSink } from "./file-sink.ts";

type CallOptions = { readonly signal: AbortSignal };

/** The calls that an export makes; the operators' client has them. */
export type ExportApi = {
  exportCoupons(
    request: Partial<Pick<ExportCouponsRequest, "campaignId" | "pageToken" | "batchSize">>,
    options: CallOptions,
  ): AsyncIterable<ExportCouponsResponse>;
  getCampaign(
    request: Partial<Pick<GetCampaignRequest, "campaignId" | "view">>,
    options: CallOptions,
  ): Promise<{ readonly campaign?: Campaign | undefined }>;
};

export type ExportProgress = {
  readonly rows: number;
  /** How many rows are expected: the coupons that were issued when the export began. */
  readonly expected: number;
  /** How often in a row the connection broke; 0: rows arrive. */
  readonly breaks: number;
};

export type ExportOptions = {
  readonly campaignId: string;
  readonly format: ExportFormat;
  /** Whether the file begins with a byte order mark, by which spreadsheets take it as UTF-8. */
  readonly bom: boolean;
  readonly sink: FileSink;
  onProgress(progress: ExportProgress): void;
  /** Waits between two tries; rejects when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** How long the stream may be silent. */
  readonly silenceMs?: number;
};

/** Rows a message: about 300 kB. */
const BATCH_SIZE = 2_000;
/** States in which nothing is issued. */
const AT_REST: readonly CampaignState[] = [
  CampaignState.SOLD_OUT,
  CampaignState.ENDED,
  CampaignState.CANCELLED,
];
/** Tries in a row without a new row. */
const TRIES_MAX = 8;
const SILENCE_MS = 20_000;

/** The number of rows is not that of the coupons: the file is not complete. */
export class IncompleteExport extends Error {
  readonly rows: number;
  readonly issued: number;
  constructor(rows: number, issued: number) {
    super(`${rows} rows came, but ${issued} coupons were issued`);
    this.name = "IncompleteExport";
    this.rows = rows;
    this.issued = issued;
  }
}

export type ExportRun = {
  /**
   * Writes all rows and closes the file, and resolves with their number. After a rejection, another call goes
   * on behind the last row that was written, as long as the sink is open.
   * @throws ConnectError where the service refuses, or does not answer after several tries
   * @throws IncompleteExport where rows are missing
   */
  run(signal: AbortSignal): Promise<number>;
};

/**
 * An export that is asked for batch by batch: the page token moves on only after its batch was written, so
 * that a broken stream repeats no row and skips none.
 */
export function createExportRun(api: ExportApi, options: ExportOptions): ExportRun {
  const { campaignId, format, bom, sink, onProgress, wait, silenceMs = SILENCE_MS } = options;
  let begun = false;
  let pageToken = "";
  let rows = 0;
  let expected = 0;
  let previous: ExportedCoupon | undefined;

  const campaignNow = async (signal: AbortSignal) =>
    (await api.getCampaign({ campaignId, view: CampaignView.BASIC }, { signal })).campaign;

  async function take(batch: ExportCouponsResponse): Promise<void> {
    for (const row of batch.coupons) {
      assertInOrder(previous, row);
      previous = row;
    }
    if (batch.coupons.length > 0 && batch.nextPageToken === "")
      throw new Error("the service sent a batch without its page token");
    await sink.write(batch.coupons.map(format.row).join(""));
    rows += batch.coupons.length;
    if (batch.nextPageToken !== "") pageToken = batch.nextPageToken;
    onProgress({ rows, expected, breaks: 0 });
  }

  /** One stream, from the place that was reached. */
  async function readOnce(signal: AbortSignal): Promise<void> {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    signal.addEventListener("abort", stop);
    try {
      const request = { campaignId, pageToken, batchSize: BATCH_SIZE };
      const batches = api.exportCoupons(request, { signal: attempt.signal });
      for await (const batch of untilSilent(batches, silenceMs)) {
        signal.throwIfAborted();
        await take(batch);
      }
    } finally {
      signal.removeEventListener("abort", stop);
      attempt.abort();
    }
  }

  async function readAll(signal: AbortSignal): Promise<void> {
    for (let breaks = 0; ; ) {
      const before = rows;
      try {
        return await readOnce(signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isBroken(error)) throw error;
        breaks = rows > before ? 1 : breaks + 1;
        if (breaks >= TRIES_MAX) throw error;
        onProgress({ rows, expected, breaks });
        await wait(delayMs(breaks), signal);
      }
    }
  }

  return {
    async run(signal) {
      if (!begun) {
        expected = (await campaignNow(signal))?.issued ?? 0;
        const head = (bom ? byteOrderMark : "") + format.heading;
        if (head !== "") await sink.write(head);
        begun = true;
        onProgress({ rows, expected, breaks: 0 });
      }
      await readAll(signal);
      const after = await campaignNow(signal);
      // At rest, nothing is issued any more: the count is exact.
      const isExact = after !== undefined && AT_REST.includes(after.state) && after.issued === expected;
      if (rows < expected || (isExact && rows !== expected)) throw new IncompleteExport(rows, expected);
      await sink.finish();
      return rows;
    },
  };
}

/** Half a second at first, doubled at each try, at most ten seconds. */
export function delayMs(breaks: number): number {
  return Math.min(10_000, 500 * 2 ** (breaks - 1));
}

/** @throws ConnectError where the next message takes longer than `limitMs` */
async function* untilSilent<T>(messages: AsyncIterable<T>, limitMs: number): AsyncGenerator<T, void> {
  const iterator = messages[Symbol.asyncIterator]();
  for (;;) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<never>((_, reject) => {
      const error = new ConnectError(`nothing arrived for ${limitMs} ms`, Code.DeadlineExceeded);
      timer = setTimeout(() => reject(error), limitMs);
    });
    const next = await Promise.race([iterator.next(), silence]).finally(() => clearTimeout(timer));
    if (next.done === true) return;
    yield next.value;
  }
}
