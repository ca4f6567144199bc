import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useMemo } from "preact/hooks";
import type { FindAttemptsResponse } from "../../../../proto/gen/coupon/v1/attempt_pb.ts";
import { useWords } from "../../i18n/language.tsx";
import type { Api } from "../../session/api.ts";
import { useStore } from "../../session/store.ts";
import { viewerZone } from "../../time/zones.ts";
import { Button } from "../../ui/button.tsx";
import { FailureNotice } from "../../ui/failure-notice.tsx";
import { Table } from "../../ui/table.tsx";
import { createAskedCall } from "../call-state.ts";
import { useDenied } from "../denied.ts";
import { msText } from "../texts.ts";
import type { Held } from "./look-up.ts";

/** What the holder of a coupon asked of its campaign, when an operator wants to know. */
export function CouponAttempts({ api, held }: { readonly api: Api; readonly held: Held }) {
  const { t } = useWords();
  const denied = useDenied("FindAttempts");
  const call = useMemo(() => createAskedCall<FindAttemptsResponse>(), []);
  const { busy, answer, error } = useStore(call.state);
  const { userId, requestId, coupon } = held;

  const ask = () =>
    call.ask(async () => {
      // A request id is its user's own where both are known.
      const who = userId === "" ? { requestId } : { userId };
      return api.findAttempts({ campaignId: coupon.campaignId, ...who }).catch((failed: unknown) => {
        denied.note(failed);
        throw failed;
      });
    });

  if (error !== undefined) return <FailureNotice error={error} />;
  if (answer !== undefined) return <Attempts answer={answer} />;
  return (
    <Button busy={busy} disabledBecause={denied.because} onClick={() => void ask()}>
      {t("coupon.showAttempts")}
    </Button>
  );
}

function Attempts({ answer: { attempts, isKept } }: { readonly answer: FindAttemptsResponse }) {
  const words = useWords();
  const { t, instant } = words;
  return (
    <section>
      <h3>{t("coupon.attempts")}</h3>
      {attempts.length === 0 ? (
        <p class="quiet">{t(isKept ? "coupon.attemptsNone" : "coupon.attemptsOff")}</p>
      ) : (
        <Table
          caption={t("coupon.attempts")}
          rows={attempts.map((attempt, index) => ({ ...attempt, index }))}
          keyOf={({ index }) => index}
          columns={[
            {
              title: t("coupon.attemptAt"),
              isHead: true,
              cell: ({ at }) => (at === undefined ? "–" : instant(timestampMs(at), viewerZone())),
            },
            { title: t("coupon.attemptOutcome"), cell: ({ outcome }) => outcome },
            {
              title: t("coupon.attemptTook"),
              isNumber: true,
              cell: ({ tookMs }) => msText(tookMs, words),
            },
            { title: t("coupon.attemptServer"), cell: ({ server }) => server },
          ]}
        />
      )}
    </section>
  );
}
