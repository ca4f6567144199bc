import { timestampMs } from "@bufbuild/protobuf/wkt";
import type {
  PreflightCampaignResponse,
  PreflightLine,
} from "../../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { useWords } from "../../i18n/language.tsx";
import { useStore } from "../../session/store.ts";
import { viewerZone } from "../../time/zones.ts";
import { Button } from "../../ui/button.tsx";
import { FailureNotice } from "../../ui/failure-notice.tsx";
import { Notice } from "../../ui/notice.tsx";
import { createAskedCall } from "../call-state.ts";
import { keptFor } from "../kept.ts";
import { ServerText } from "../server-text.tsx";
import type { ViewProps } from "../view.ts";
import { checkKey, colourOf, inOrderOfColour } from "./colours.ts";

/** Whether the campaign will open: each check with its colour, what was found, and what to do. */
export function PreflightView({ api, campaignId }: ViewProps) {
  const { t } = useWords();
  const asked = keptFor(api, `preflight ${campaignId}`, () => createAskedCall<PreflightCampaignResponse>());
  const { busy, answer, error } = useStore(asked.state);
  return (
    <section class="card" aria-labelledby="preflight">
      <h2 id="preflight">{t("preflight.title")}</h2>
      <p>{t("preflight.about")}</p>
      <div class="actions">
        <Button
          kind="primary"
          busy={busy}
          onClick={() => void asked.ask(() => api.preflightCampaign({ campaignId }))}
        >
          {t(busy ? "preflight.busy" : answer === undefined ? "preflight.run" : "preflight.again")}
        </Button>
      </div>
      {error === undefined ? null : <FailureNotice error={error} />}
      <div role="status">{answer === undefined ? null : <Verdict answer={answer} />}</div>
      {answer === undefined ? null : (
        <ul class="findings">
          {inOrderOfColour(answer.lines).map((line) => (
            <Line key={line.check} line={line} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Verdict({ answer }: { readonly answer: PreflightCampaignResponse }) {
  const { t, clock } = useWords();
  const { lines, colour, serverTime } = answer;
  const count = (wanted: string) => lines.filter((line) => colourOf(line.colour) === wanted).length;
  const verdict = colourOf(colour);
  const kinds = { green: "good", amber: "warning", red: "alarm" } as const;
  const counts = { red: count("red"), amber: count("amber") };
  return (
    <Notice kind={kinds[verdict]} announced={false}>
      <p>
        <b>{t(`preflight.verdict.${verdict}`)}</b>{" "}
        {verdict === "green" ? null : t("preflight.counts", counts)}
      </p>
      {serverTime === undefined ? null : (
        <p class="quiet">{t("preflight.at", { at: clock(timestampMs(serverTime), viewerZone()) })}</p>
      )}
    </Notice>
  );
}

function Line({ line: { check, colour, finding, advice } }: { readonly line: PreflightLine }) {
  const { t } = useWords();
  const key = checkKey(check);
  const name = colourOf(colour);
  return (
    <li class={`finding finding-${name}`}>
      <p class="finding-head">
        <span class={`lamp lamp-${name}`}>{t(`colour.${name}`)}</span>{" "}
        <b>{key === undefined ? check : t(key)}</b> <code class="quiet">{check}</code>
      </p>
      <p>
        <ServerText text={finding} />
      </p>
      {advice === "" ? null : (
        <p class="advice">
          <b>{t("preflight.advice")}</b> <ServerText text={advice} />
        </p>
      )}
    </li>
  );
}
