import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { CreateForm } from "../create/create-form.tsx";
import { type Draft, type DraftField, type DraftProblems, emptyDraft, judgeDraft } from "../create/draft.ts";
import { useFormatFacts } from "../create/format-field.tsx";
import { SummaryDialog } from "../create/summary-dialog.tsx";
import { wholeNumberOf } from "../create/text-rules.ts";
import { useWords } from "../i18n/language.tsx";
import { useWhyDenied } from "../session/denied.ts";
import { failureOf } from "../session/failure-words.ts";
import { newRequestId } from "../session/request-id.ts";
import { hrefs } from "../session/router.ts";
import { useSession } from "../session/session.tsx";
import { actorStore, zoneStore } from "../session/typed-before.ts";
import { useTitle } from "../session/use-title.ts";
import { viewerZone } from "../time/zones.ts";
import { Button } from "../ui/button.tsx";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { Notice } from "../ui/notice.tsx";

/** The service refused a field, or the form as a whole. */
type Refused = { readonly error: unknown; readonly field: string | undefined; readonly detail: string };

export function CreateCampaignPage() {
  const words = useWords();
  const { t } = words;
  useTitle(t("create.title"));
  const { serverNowMs } = useSession();
  const whyDenied = useWhyDenied()("CreateCampaign");
  const form = useRef<HTMLFormElement>(null);
  const [draft, setDraft] = useState<Draft>(() =>
    emptyDraft(zoneStore.get() ?? viewerZone(), actorStore.get()),
  );
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [isJudged, setJudged] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const [refused, setRefused] = useState<Refused>();
  // One for each content of the form: asked for twice, the same campaign is created once.
  const requestId = useMemo(newRequestId, [draft]);

  const { problems, wanted } = judgeDraft(draft, serverNowMs() ?? Date.now(), words);
  const facts = useFormatFacts(
    problems.code_format === undefined ? draft.codeFormat.normalize("NFC") : undefined,
    problems.total === undefined ? wholeNumberOf(draft.total) : undefined,
  );
  const shown = shownProblems(problems, isJudged ? undefined : touched, refused);

  useEffect(() => {
    if (isJudged && !isAsking) form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  }, [isJudged, isAsking, refused]);

  function change(part: Partial<Draft>): void {
    setDraft({ ...draft, ...part });
    setTouched(new Set([...touched, ...Object.keys(part)]));
    setRefused(undefined);
    if (part.actor !== undefined) actorStore.set(part.actor);
    if (part.zone !== undefined) zoneStore.set(part.zone);
  }

  function review(): void {
    setJudged(true);
    if (wanted !== undefined) setAsking(true);
    else form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  }

  return (
    <>
      <div class="page-head">
        <h1>{t("create.title")}</h1>
      </div>
      <form
        ref={form}
        class="card form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          review();
        }}
      >
        <CreateForm {...{ draft, problems: shown, facts, onChange: change }} />
        {refused === undefined || isKnown(refused.field) ? null : <FailureNotice error={refused.error} />}
        {whyDenied === undefined ? null : <Notice kind="warning">{whyDenied}</Notice>}
        <div class="actions">
          <Button type="submit" kind="primary" disabledBecause={whyDenied}>
            {t("create.review")}
          </Button>
          <a class="button" href={hrefs.list}>
            {t("app.cancel")}
          </a>
        </div>
      </form>
      {isAsking && wanted !== undefined ? (
        <SummaryDialog
          {...{ wanted, requestId, facts, zone: draft.zone }}
          onClose={() => setAsking(false)}
          onRefused={(error) => {
            const { field, detail } = failureOf(error);
            setRefused({ error, field, detail });
            setAsking(false);
          }}
        />
      ) : null}
    </>
  );
}

const FIELDS: Readonly<Record<DraftField, keyof Draft>> = {
  name: "name",
  total: "total",
  starts_at: "start",
  ends_at: "end",
  max_per_user: "maxPerUser",
  code_format: "codeFormat",
  claim_auth: "claimAuth",
  metadata: "metadata",
  actor: "actor",
};

const isKnown = (field: string | undefined): field is DraftField => field !== undefined && field in FIELDS;

/** Problems of fields that were typed in, or of all; and the one that the service found. */
function shownProblems(
  problems: DraftProblems,
  touched: ReadonlySet<string> | undefined,
  refused: Refused | undefined,
): DraftProblems {
  const fields = Object.keys(FIELDS).filter(isKnown);
  const own = fields
    .filter((field) => touched === undefined || touched.has(FIELDS[field]))
    .map((field) => [field, problems[field]] as const);
  const theirs = isKnown(refused?.field) ? [[refused?.field, refused?.detail] as const] : [];
  return Object.fromEntries([...own, ...theirs].filter(([, problem]) => problem !== undefined));
}
