import { useEffect } from "preact/hooks";
import type { VerifyCheck, VerifyProgress, VerifyReport } from "../../../../proto/gen/coupon/v1/verify_pb.ts";
import { useWords } from "../../i18n/language.tsx";
import type { PlainKey } from "../../i18n/words.ts";
import { useSession } from "../../session/session.tsx";
import { useStore } from "../../session/store.ts";
import { Button } from "../../ui/button.tsx";
import { FailureNotice } from "../../ui/failure-notice.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Progress } from "../../ui/progress.tsx";
import { useDenied } from "../denied.ts";
import { keptFor, onSignedOut } from "../kept.ts";
import { ServerText } from "../server-text.tsx";
import type { ViewProps } from "../view.ts";
import { waitMs } from "../wait.ts";
import { type Finding, findingsOf, OF_CALLERS, type Result, resultOf, verdictOf } from "./verdict.ts";
import { createVerifyJob } from "./verify-job.ts";

/** The audit of both stores: progress, then each guarantee with what was found. */
export function VerifyView({ api, campaignId }: ViewProps) {
  const { t } = useWords();
  const denied = useDenied("VerifyCampaign");
  const session = useSession();
  const job = keptFor(api, `verify ${campaignId}`, () => {
    const made = createVerifyJob(api, campaignId, waitMs);
    onSignedOut(session, api, () => made.cancel());
    return made;
  });
  const state = useStore(job.state);
  const error = state.kind === "failed" ? state.error : undefined;
  useEffect(() => denied.note(error), [error]);
  return (
    <section class="card" aria-labelledby="verify">
      <h2 id="verify">{t("verify.title")}</h2>
      <p>{t("verify.about")}</p>
      <div class="actions">
        {state.kind === "running" ? (
          <Button onClick={() => job.cancel()}>{t("verify.cancel")}</Button>
        ) : (
          <Button kind="primary" disabledBecause={denied.because} onClick={() => void job.start()}>
            {t(state.kind === "done" ? "verify.again" : "verify.run")}
          </Button>
        )}
      </div>
      {denied.because === undefined ? null : <p class="quiet">{denied.because}</p>}
      {state.kind === "running" ? <Reading progress={state.progress} breaks={state.breaks} /> : null}
      {error === undefined ? null : <FailureNotice error={error} />}
      <div role="status">{state.kind === "done" ? <ReportVerdict report={state.report} /> : null}</div>
      {state.kind === "done" ? <Findings report={state.report} /> : null}
    </section>
  );
}

const READ: Readonly<Record<string, PlainKey>> = {
  codes: "verify.read.codes",
  pool: "verify.read.pool",
  claims: "verify.read.claims",
  ledger: "verify.read.ledger",
  events: "verify.read.events",
  issuances: "verify.read.issuances",
};

type ReadingProps = { readonly progress: VerifyProgress | undefined; readonly breaks: number };

function Reading({ progress, breaks }: ReadingProps) {
  const { t } = useWords();
  if (progress === undefined)
    return <p role="status">{t(breaks === 0 ? "verify.beginning" : "verify.beginningAgain")}</p>;
  const { what, done, of, reading } = progress;
  const key = READ[what];
  const label = t("verify.reading", { what: key === undefined ? what : t(key), done, of });
  return (
    <>
      <p>
        {reading > 1 ? `${t("verify.readAgain", { reading })} ` : ""}
        {label}
      </p>
      <Progress label={label} value={done} max={of} />
    </>
  );
}

const KINDS = { green: "good", violated: "alarm", unjudged: "warning" } as const;

function ReportVerdict({ report }: { readonly report: VerifyReport }) {
  const { t } = useWords();
  const { checks, live, issued, total, readings } = report;
  const verdict = verdictOf(checks);
  const wrong = findingsOf(checks).filter(({ result }) => result === "violated");
  const invariants = wrong.map(({ invariant }) => invariant).join(", ");
  return (
    <Notice kind={KINDS[verdict]} announced={false}>
      <p>
        <b>{t(`verify.verdict.${verdict}`, { invariants })}</b>
      </p>
      <p>
        {t("verify.counts", { issued, total })} {t(live ? "verify.live" : "verify.atRest")}{" "}
        {t("verify.readings", { count: readings })}
      </p>
    </Notice>
  );
}

function Findings({ report: { checks } }: { readonly report: VerifyReport }) {
  const { t } = useWords();
  return (
    <>
      <ul class="findings">
        {findingsOf(checks).map((finding) => (
          <FindingItem key={finding.invariant} finding={finding} />
        ))}
      </ul>
      <p class="quiet">{t("verify.ofCallers", { invariants: OF_CALLERS.join(", ") })}</p>
    </>
  );
}

const LAMPS: Readonly<Record<Result, "green" | "amber" | "red">> = {
  holds: "green",
  notJudged: "amber",
  prevented: "red",
  unknown: "amber",
  violated: "red",
};

function FindingItem({ finding: { invariant, result, checks } }: { readonly finding: Finding }) {
  const { t } = useWords();
  return (
    <li class={`finding finding-${LAMPS[result]}`}>
      <p class="finding-head">
        <span class={`lamp lamp-${LAMPS[result]}`}>{t(`verify.result.${result}`)}</span> <b>{invariant}</b>
      </p>
      {checks.map((check) => (
        <Check key={check.title} check={check} isOne={checks.length === 1} />
      ))}
    </li>
  );
}

function Check({ check, isOne }: { readonly check: VerifyCheck; readonly isOne: boolean }) {
  const { t } = useWords();
  const { title, detail, notJudgedBecause, violations, offenders } = check;
  const more = violations - offenders.length;
  return (
    <>
      <p>
        {isOne ? null : <b>{t(`verify.result.${resultOf(check)}`)}: </b>}
        <ServerText text={title} />
        {detail === "" ? null : (
          <>
            {" "}
            <span class="quiet">
              <ServerText text={detail} />
            </span>
          </>
        )}
      </p>
      {notJudgedBecause === "" ? null : (
        <p class="advice">
          <b>{t("verify.because")}</b> <ServerText text={notJudgedBecause} />
        </p>
      )}
      {violations === 0 ? null : (
        <>
          <p class="advice">{t("verify.violations", { count: violations })}</p>
          <ul class="offenders">
            {offenders.map(({ words }) => (
              <li key={words}>
                <ServerText text={words} />
              </li>
            ))}
            {more > 0 ? <li>{t("verify.more", { count: more })}</li> : null}
          </ul>
        </>
      )}
    </>
  );
}
