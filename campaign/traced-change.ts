import { inSpan, type Tracer } from "../runtime/tracer.ts";
import type { ChangeAnswer, ChangeCampaign } from "./change-campaign.ts";

/** Makes each change of a campaign a span; a dry run changes nothing. */
export function tracedChange(change: ChangeCampaign, tracer: Tracer): ChangeCampaign {
  return (ask) => {
    const span = ask.dryRun ? undefined : tracer.beginRare("change", ask.campaignId, ask.span);
    const { verb } = ask.change;
    return inSpan(
      span,
      () => change(ask),
      (answer) => ({ verb, outcome: wordOf(answer) }),
    );
  };
}

function wordOf(answer: ChangeAnswer): string {
  return answer.kind === "refused" ? answer.refusal.reason.toLowerCase() : answer.kind;
}
