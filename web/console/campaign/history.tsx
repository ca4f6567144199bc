import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useEffect, useRef, useState } from "preact/hooks";
import type { HistoryEntry } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { useWords } from "../i18n/language.tsx";
import type { PlainKey } from "../i18n/words.ts";
import { viewerZone } from "../time/zones.ts";
import { Button } from "../ui/button.tsx";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { Table } from "../ui/table.tsx";
import type { ViewProps } from "../views/view.ts";
import { DifferenceList } from "./difference-list.tsx";

const PAGE_SIZE = 50;

const VERBS: Readonly<Record<string, PlainKey>> = {
  create: "verb.create",
  pause: "verb.pause",
  resume: "verb.resume",
  reschedule: "verb.reschedule",
  add: "verb.add",
  added: "verb.added",
  end: "verb.end",
  cancel: "verb.cancel",
  edit: "verb.edit",
  erase: "verb.erase",
  schedule: "verb.schedule",
  open: "verb.open",
  "sell-out": "verb.sellOut",
};

type Page = { readonly entries: readonly HistoryEntry[]; readonly nextPageToken: string };

/** Each change of the campaign with its actor, newest first; read again when the campaign changes. */
export function History({ campaignId, campaign: { revision }, api }: ViewProps) {
  const words = useWords();
  const { t, instant } = words;
  const [read, setRead] = useState<Page>();
  const [error, setError] = useState<unknown>();
  const loads = useRef(0);

  /** Of several under way, the one that was begun last counts. */
  async function load(before: Page | undefined): Promise<void> {
    const own = ++loads.current;
    try {
      const pageToken = before?.nextPageToken ?? "";
      const page = await api.listHistory({ campaignId, pageSize: PAGE_SIZE, pageToken });
      if (own !== loads.current) return;
      setError(undefined);
      setRead({
        entries: [...(before?.entries ?? []), ...page.entries],
        nextPageToken: page.nextPageToken,
      });
    } catch (failed) {
      if (own === loads.current) setError(failed);
    }
  }
  useEffect(() => void load(undefined), [api, campaignId, revision]);

  const verbText = (verb: string): string => {
    const key = VERBS[verb];
    return key === undefined ? verb : t(key);
  };
  return (
    <>
      {error === undefined ? null : <FailureNotice error={error} />}
      {read === undefined ? (
        <p class="quiet">{t("app.loading")}</p>
      ) : (
        <Table
          caption={t("history.title")}
          rows={read.entries}
          keyOf={(entry) => entry.revision}
          columns={[
            {
              title: t("history.what"),
              isHead: true,
              cell: ({ verb }) => <strong>{verbText(verb)}</strong>,
            },
            { title: t("history.actor"), cell: ({ actor }) => actor || t("history.nobody") },
            { title: t("history.at"), cell: (entry) => <At {...{ entry, instant }} /> },
            {
              title: t("history.change"),
              cell: ({ before, after }) =>
                before === undefined || after === undefined ? "–" : <DifferenceList {...{ before, after }} />,
            },
            { title: t("fact.revision"), isNumber: true, cell: (entry) => entry.revision },
          ]}
        />
      )}
      {read === undefined || read.nextPageToken === "" ? null : (
        <Button onClick={() => void load(read)}>{t("history.more")}</Button>
      )}
    </>
  );
}

type AtProps = { readonly entry: HistoryEntry; instant(epochMs: number, zone: string): string };

function At({ entry: { happenedAt, at }, instant }: AtProps) {
  const shown = happenedAt ?? at;
  return <span class="instant">{shown === undefined ? "–" : instant(timestampMs(shown), viewerZone())}</span>;
}
