import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useState } from "preact/hooks";
import type { Campaign } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { countProblem, NAME_MAX, TOTAL_MAX, textProblem, wholeNumberOf } from "../create/text-rules.ts";
import { useWords } from "../i18n/language.tsx";
import type { Words } from "../i18n/words.ts";
import { useSession } from "../session/session.tsx";
import { zoneStore } from "../session/typed-before.ts";
import { InstantField } from "../time/instant-field.tsx";
import { endProblem, readInstant, startProblem } from "../time/instant-rules.ts";
import type { TypedInstant } from "../time/wall-time.ts";
import { ZoneField } from "../time/zone-field.tsx";
import { viewerZone, wallTextAt } from "../time/zones.ts";
import { Button } from "../ui/button.tsx";
import { CheckField, CountField, Field } from "../ui/field.tsx";
import type { Change } from "./action.ts";

export type FormAction = "add" | "reschedule" | "edit";

type Typed = {
  readonly count: string;
  readonly name: string;
  readonly zone: string;
  readonly start: TypedInstant;
  readonly hasEnd: boolean;
  readonly end: TypedInstant;
};
type Problems = Readonly<Partial<Record<"count" | "name" | "starts_at" | "ends_at", string>>>;

type ActionFormProps = {
  readonly action: FormAction;
  readonly campaign: Campaign;
  /** What the service refused, for its field. */
  readonly refused: { readonly field: string; readonly detail: string } | undefined;
  onChange(change: Change): void;
  onCancel(): void;
};

/** What an action needs to know. */
export function ActionForm({ action, campaign, refused, onChange, onCancel }: ActionFormProps) {
  const words = useWords();
  const { t } = words;
  const { serverNowMs } = useSession();
  // What is left as it stands here is not sent, whatever another operator changes meanwhile.
  const [opened] = useState(campaign);
  const [typed, setTyped] = useState<Typed>(() => typedOf(opened));
  const [isJudged, setJudged] = useState(refused !== undefined);
  const { problems, change } = judge(action, typed, { opened, campaign }, serverNowMs() ?? Date.now(), words);
  const shown: Problems = {
    ...(isJudged ? problems : {}),
    ...(refused === undefined ? {} : { [refused.field]: refused.detail }),
  };
  const type = (part: Partial<Typed>): void => {
    if (part.zone !== undefined) zoneStore.set(part.zone);
    setTyped({ ...typed, ...part });
  };
  const { zone } = typed;

  return (
    <form
      class="dialog-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setJudged(true);
        if (change !== undefined) onChange(change);
      }}
    >
      {action === "add" ? (
        <CountField
          {...{ label: t("change.count"), hint: t("change.countHint"), error: shown.count }}
          value={typed.count}
          onChange={(count) => type({ count })}
        />
      ) : null}
      {action === "edit" ? (
        <Field label={t("create.name")} error={shown.name}>
          {(ids) => (
            <input
              {...ids}
              type="text"
              autocomplete="off"
              value={typed.name}
              onInput={({ currentTarget }) => type({ name: currentTarget.value })}
            />
          )}
        </Field>
      ) : null}
      {action === "add" ? null : <ZoneField zone={zone} onChange={(chosen) => type(inZone(typed, chosen))} />}
      {action === "reschedule" ? (
        <InstantField
          label={t("create.start")}
          {...{ zone, value: typed.start, error: shown.starts_at }}
          onChange={(start) => type({ start })}
        />
      ) : null}
      {action === "add" ? null : (
        <CheckField
          label={t("create.hasEnd")}
          checked={typed.hasEnd}
          onChange={(hasEnd) => type({ hasEnd })}
        />
      )}
      {action !== "add" && typed.hasEnd ? (
        <InstantField
          label={t("create.end")}
          {...{ zone, value: typed.end, error: shown.ends_at }}
          onChange={(end) => type({ end })}
        />
      ) : null}
      <div class="actions">
        <Button onClick={onCancel}>{t("app.cancel")}</Button>
        <Button type="submit" kind="primary">
          {t("change.check")}
        </Button>
      </div>
    </form>
  );
}

function typedOf({ name, startsAt, endsAt }: Campaign): Typed {
  const zone = zoneStore.get() ?? viewerZone();
  const typedAt = (at: Campaign["startsAt"]): TypedInstant => ({
    text: at === undefined ? "" : wallTextAt(timestampMs(at), zone),
    fold: undefined,
  });
  return {
    ...{ count: "", name, zone, start: typedAt(startsAt) },
    ...{ hasEnd: endsAt !== undefined, end: typedAt(endsAt) },
  };
}

/** The same instants on the clocks of another zone. */
function inZone(typed: Typed, zone: string): Partial<Typed> {
  const moved = (value: TypedInstant): TypedInstant => {
    const read = readInstant(value, typed.zone, { t: () => "" });
    return read.ok ? { text: wallTextAt(read.epochMs, zone), fold: undefined } : value;
  };
  return { zone, start: moved(typed.start), end: moved(typed.end) };
}

type Judged = { readonly opened: Campaign; readonly campaign: Campaign };

function judge(action: FormAction, typed: Typed, { opened, campaign }: Judged, nowMs: number, words: Words) {
  const found: Record<string, string | undefined> = {};
  const most = TOTAL_MAX - campaign.total - campaign.adding;
  if (action === "add") found["count"] = countProblem(typed.count, Math.max(0, most), words);
  if (action === "edit") found["name"] = textProblem(typed.name, NAME_MAX, words);
  const start = readInstant(typed.start, typed.zone, words);
  if (action === "reschedule")
    found["starts_at"] = start.ok ? startProblem(start.epochMs, nowMs, words) : start.problem;
  const standing = campaign.startsAt === undefined ? 0 : timestampMs(campaign.startsAt);
  const startsAtMs = action === "reschedule" && start.ok ? start.epochMs : standing;
  const endsAtMs = newEndOf(typed, opened, words);
  if (action !== "add")
    found["ends_at"] =
      typeof endsAtMs === "string"
        ? endsAtMs
        : typeof endsAtMs === "number"
          ? endProblem(endsAtMs, startsAtMs, nowMs, words)
          : undefined;
  const problems: Problems = Object.fromEntries(
    Object.entries(found).filter(([, problem]) => problem !== undefined),
  );
  const isRight = Object.keys(problems).length === 0 && typeof endsAtMs !== "string";
  return { problems, change: isRight ? changeOf(action, typed, opened, startsAtMs, endsAtMs) : undefined };
}

/** null: no end any more; undefined: as it was; a text: what is wrong. */
function newEndOf(typed: Typed, { endsAt }: Campaign, words: Words): number | null | undefined | string {
  const standingMs = endsAt === undefined ? undefined : timestampMs(endsAt);
  if (!typed.hasEnd) return standingMs === undefined ? undefined : null;
  const end = readInstant(typed.end, typed.zone, words);
  if (!end.ok) return end.problem;
  // The field shows whole seconds: an end that was not touched keeps its milliseconds.
  const isSame = standingMs !== undefined && Math.floor(standingMs / 1_000) * 1_000 === end.epochMs;
  return isSame ? undefined : end.epochMs;
}

function changeOf(
  action: FormAction,
  typed: Typed,
  { name }: Campaign,
  startsAtMs: number,
  endsAtMs: number | null | undefined,
): Change {
  if (action === "add") return { action, count: wholeNumberOf(typed.count) ?? 0 };
  // Empty: as it was; a change of nothing at all sends the name, which the service then finds unchanged.
  if (action === "edit")
    return { action, name: typed.name === name && endsAtMs !== undefined ? "" : typed.name, endsAtMs };
  return { action, startsAtMs, endsAtMs };
}
