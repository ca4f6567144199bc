import { isClockOff, isLate, isSilent } from "../../../../operator/process-trouble.ts";
import type { WatchedProcess } from "../../../../proto/gen/coupon/v1/watch_pb.ts";
import { useWords } from "../../i18n/language.tsx";
import type { Words } from "../../i18n/words.ts";
import { Notice } from "../../ui/notice.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { durationText, msText } from "../texts.ts";
import { inOrderOfTrouble, isMixed, nameOf, roleKey } from "./processes.ts";

/** Each server, scheduler and generator with its health; those in trouble first. */
export function ProcessTable({ processes }: { readonly processes: readonly WatchedProcess[] }) {
  const words = useWords();
  const { t } = words;
  if (processes.length === 0) return <Notice kind="alarm">{t("process.none")}</Notice>;
  const version: Column<WatchedProcess> = { title: t("process.version"), cell: (one) => one.version };
  const columns: Column<WatchedProcess>[] = [
    { title: t("process.process"), isHead: true, cell: nameOf },
    { title: t("process.roles"), cell: ({ roles }) => roles.map((role) => roleText(role, words)).join(", ") },
    // In a roll-out it matters which process runs which version; at other times all run the same.
    ...(isMixed(processes) ? [version] : []),
    { title: t("process.heartbeat"), isNumber: true, cell: ({ silentMs }) => age(silentMs, words) },
    { title: t("process.tick"), isNumber: true, cell: (one) => tickText(one, words) },
    { title: t("process.clock"), isNumber: true, cell: (one) => clockText(one, words) },
    { title: t("process.health"), cell: (one) => <Health one={one} /> },
  ];
  return (
    <Table
      caption={t("live.processes")}
      rows={inOrderOfTrouble(processes)}
      keyOf={({ id }) => id}
      columns={columns}
    />
  );
}

function Health({ one }: { readonly one: WatchedProcess }) {
  const { t } = useWords();
  const troubles = [
    ...(isSilent(one) ? [t("process.silent")] : []),
    ...(isLate(one) ? [t("process.late")] : []),
    ...(isClockOff(one)
      ? [t(one.clockOffsetMs === undefined ? "process.clockUnknown" : "process.clockOff")]
      : []),
  ];
  if (troubles.length === 0) return <span class="health health-good">{t("process.good")}</span>;
  const kind = isSilent(one) ? "alarm" : "warning";
  return <span class={`health health-${kind}`}>{troubles.join("; ")}</span>;
}

function roleText(role: string, { t }: Words): string {
  const key = roleKey(role);
  return key === undefined ? role : t(key);
}

const age = (ms: bigint, words: Words): string => durationText(Math.round(Number(ms) / 100) * 100, words);

function tickText(one: WatchedProcess, words: Words): string {
  return one.tickAgeMs === undefined || isSilent(one) ? "–" : age(one.tickAgeMs, words);
}

function clockText({ clockOffsetMs, clockUncertaintyMs }: WatchedProcess, words: Words): string {
  if (clockOffsetMs === undefined) return "–";
  const sign = clockOffsetMs < 0 ? "−" : "+";
  return `${sign}${words.number(Math.abs(clockOffsetMs), 1)} ± ${msText(clockUncertaintyMs, words)}`;
}
