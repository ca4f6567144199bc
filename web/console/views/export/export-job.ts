import { type ExportFormat, exportFormats } from "../../../../operator/export-format.ts";
import { createStore, type Store } from "../../session/store.ts";
import { isBroken } from "../broken.ts";
import { createExportRun, type ExportApi, type ExportProgress, type ExportRun } from "./export-run.ts";
import type { FileSink, FileWanted } from "./file-sink.ts";

export type ExportState =
  | { readonly kind: "idle" }
  | { readonly kind: "running"; readonly progress: ExportProgress }
  /** The rows so far are kept: `goOn` continues behind them. */
  | { readonly kind: "broken"; readonly progress: ExportProgress; readonly error: unknown }
  /** The file is given up. */
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "done"; readonly rows: number; readonly name: string };

export type ExportFormatName = "csv" | "jsonl";
export type ExportChoice = { readonly format: ExportFormatName; readonly bom: boolean };

/** The export of one campaign, which goes on while another view is looked at. */
export type ExportJob = {
  readonly state: Pick<Store<ExportState>, "get" | "subscribe">;
  /** Must be called by the operator's click: a browser lets nothing else choose a file. */
  start(choice: ExportChoice): Promise<void>;
  goOn(): Promise<void>;
  cancel(): Promise<void>;
};

export type ExportJobDeps = {
  readonly api: ExportApi;
  readonly campaignId: string;
  openFile(wanted: FileWanted): Promise<FileSink>;
  wait(ms: number, signal: AbortSignal): Promise<void>;
};

const NOTHING: ExportProgress = { rows: 0, expected: 0, breaks: 0 };
const TYPES: Readonly<Record<ExportFormatName, string>> = {
  csv: "text/csv",
  jsonl: "application/x-ndjson",
};

type Open = { readonly run: ExportRun; readonly sink: FileSink; readonly name: string };

export function createExportJob({ api, campaignId, openFile, wait }: ExportJobDeps): ExportJob {
  const state = createStore<ExportState>({ kind: "idle" });
  let open: Open | undefined;
  let stopping = new AbortController();
  let progress = NOTHING;

  function onProgress(now: ExportProgress): void {
    progress = now;
    if (!stopping.signal.aborted) state.set({ kind: "running", progress });
  }

  async function run({ run: exportRun, sink, name }: Open): Promise<void> {
    const { signal } = stopping;
    state.set({ kind: "running", progress });
    try {
      const rows = await exportRun.run(signal);
      open = undefined;
      state.set({ kind: "done", rows, name });
    } catch (error) {
      if (signal.aborted) return;
      if (isBroken(error)) {
        state.set({ kind: "broken", progress, error });
        return;
      }
      open = undefined;
      await sink.abandon();
      state.set({ kind: "failed", error });
    }
  }

  return {
    state,
    async start({ format: name, bom }) {
      if (open !== undefined) return;
      const format = formatOf(name);
      const file = { name: `coupons-${campaignId}.${name}`, type: TYPES[name] };
      let sink: FileSink;
      try {
        sink = await openFile(file);
      } catch (error) {
        // The operator chose no file.
        if (error instanceof DOMException && error.name === "AbortError") return;
        state.set({ kind: "failed", error });
        return;
      }
      stopping = new AbortController();
      progress = NOTHING;
      const exportRun = createExportRun(api, {
        ...{ campaignId, format, sink, onProgress, wait },
        bom: bom && name === "csv",
      });
      open = { run: exportRun, sink, name: file.name };
      await run(open);
    },
    async goOn() {
      if (open !== undefined && state.get().kind === "broken") await run(open);
    },
    async cancel() {
      stopping.abort();
      const sink = open?.sink;
      open = undefined;
      await sink?.abandon();
      state.set({ kind: "idle" });
    },
  };
}

function formatOf(name: ExportFormatName): ExportFormat {
  const format = exportFormats.find((candidate) => candidate.name === name);
  if (format === undefined) throw new Error(`no export format ${name}`);
  return format;
}
