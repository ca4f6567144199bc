import { ConnectError } from "@connectrpc/connect";
import { useEffect, useState } from "preact/hooks";
import { useWords } from "../../i18n/language.tsx";
import type { Words } from "../../i18n/words.ts";
import { useSession } from "../../session/session.tsx";
import { useStore } from "../../session/store.ts";
import { Button } from "../../ui/button.tsx";
import { FailureNotice } from "../../ui/failure-notice.tsx";
import { CheckField, Field } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Progress } from "../../ui/progress.tsx";
import { useDenied } from "../denied.ts";
import { keptFor, onSignedOut } from "../kept.ts";
import type { ViewProps } from "../view.ts";
import { waitMs } from "../wait.ts";
import { createExportJob, type ExportFormatName, type ExportState } from "./export-job.ts";
import { type ExportProgress, IncompleteExport } from "./export-run.ts";
import { openFile } from "./file-sink.ts";

/** Every issued coupon with its holder, as a file. */
export function ExportView({ api, campaign, campaignId }: ViewProps) {
  const { t } = useWords();
  const denied = useDenied("ExportCoupons");
  const [format, setFormat] = useState<ExportFormatName>("csv");
  const [bom, setBom] = useState(true);
  const session = useSession();
  const job = keptFor(api, `export ${campaignId}`, () => {
    const made = createExportJob({ api, campaignId, openFile, wait: waitMs });
    onSignedOut(session, api, () => void made.cancel());
    return made;
  });
  const state = useStore(job.state);
  const isOpen = state.kind === "running" || state.kind === "broken";
  const error = state.kind === "failed" ? state.error : undefined;
  useEffect(() => denied.note(error), [error]);
  useEffect(() => {
    if (!isOpen) return;
    // The browser asks before it leaves the page: the file would be lost.
    const keep = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", keep);
    return () => removeEventListener("beforeunload", keep);
  }, [isOpen]);
  const because = denied.because ?? (campaign.issued === 0 ? t("export.nothingYet") : undefined);
  return (
    <section class="card" aria-labelledby="export">
      <h2 id="export">{t("export.title")}</h2>
      <p>{t("export.about")}</p>
      {isOpen ? null : (
        <>
          <Field label={t("export.format")}>
            {(ids) => (
              <select
                {...ids}
                value={format}
                onChange={(event) => setFormat(event.currentTarget.value as ExportFormatName)}
              >
                <option value="csv">{t("export.csv")}</option>
                <option value="jsonl">{t("export.jsonl")}</option>
              </select>
            )}
          </Field>
          {format === "csv" ? (
            <CheckField label={t("export.bom")} hint={t("export.bomHint")} checked={bom} onChange={setBom} />
          ) : null}
          <div class="actions">
            <Button kind="primary" disabledBecause={because} onClick={() => void job.start({ format, bom })}>
              {t("export.start")}
            </Button>
          </div>
          {because === undefined ? null : <p class="quiet">{because}</p>}
        </>
      )}
      <ExportProgressLine state={state} />
      <div class="actions">
        {state.kind === "broken" ? (
          <Button kind="primary" onClick={() => void job.goOn()}>
            {t("export.goOn")}
          </Button>
        ) : null}
        {isOpen ? <Button onClick={() => void job.cancel()}>{t("export.cancel")}</Button> : null}
      </div>
    </section>
  );
}

function ExportProgressLine({ state }: { readonly state: ExportState }) {
  const words = useWords();
  const { t } = words;
  switch (state.kind) {
    case "idle":
      return null;
    case "running":
      return <Rows progress={state.progress} words={words} />;
    case "broken":
      return (
        <>
          <Rows progress={state.progress} words={words} />
          <FailureNotice error={state.error}>
            <p>{t("export.kept", { count: state.progress.rows })}</p>
          </FailureNotice>
        </>
      );
    case "done":
      return (
        <Notice kind="good" announced>
          <p>{t("export.done", { count: state.rows, name: state.name })}</p>
        </Notice>
      );
    case "failed": {
      const { error } = state;
      if (error instanceof ConnectError) return <FailureNotice error={error} />;
      const why =
        error instanceof IncompleteExport
          ? t("export.incomplete", { rows: error.rows, issued: error.issued })
          : t("export.failed", { message: error instanceof Error ? error.message : String(error) });
      return (
        <Notice kind="alarm">
          <p>{why}</p>
        </Notice>
      );
    }
    default:
      return state satisfies never;
  }
}

type RowsProps = { readonly progress: ExportProgress; readonly words: Words };

function Rows({ progress: { rows, expected, breaks }, words: { t } }: RowsProps) {
  const label = t("export.progress", { rows, expected: Math.max(rows, expected) });
  return (
    <>
      <p>{label}</p>
      <Progress label={label} value={rows} max={Math.max(rows, expected)} />
      <p role="status">{breaks === 0 ? "" : t("export.again", { count: breaks })}</p>
    </>
  );
}
