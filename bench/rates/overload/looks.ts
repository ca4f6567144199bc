import { setTimeout as sleep } from "node:timers/promises";
import { percentilesOf } from "../../../callers/percentiles.ts";
import { OPERATOR_TOKEN } from "../../operator-token.ts";

/** How long what is not a claim took beside the wave, in ms; a call without its answer forever. */
export type Looks = { readonly healthMs: readonly number[]; readonly operatorsMs: readonly number[] };

const EVERY_MS = 50;
const GET_CAMPAIGN = "/coupon.v1.CampaignService/GetCampaign";

/** Asks the health pages and, as an operator, for the campaign, by turns, until it is stopped. */
export function startLooks(baseUrl: string, campaignId: string) {
  const looks = { healthMs: [] as number[], operatorsMs: [] as number[] };
  const health = async (path: string) => {
    looks.healthMs.push(await took(new URL(path, baseUrl), {}));
  };
  const operator = async () => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${OPERATOR_TOKEN}` };
    const body = JSON.stringify({ campaignId, view: "CAMPAIGN_VIEW_BASIC" });
    looks.operatorsMs.push(await took(new URL(GET_CAMPAIGN, baseUrl), { method: "POST", headers, body }));
  };
  let stopped = false;
  const each = async (look: () => Promise<void>) => {
    while (!stopped) {
      await look();
      await sleep(EVERY_MS);
    }
  };
  const all = [each(() => health("/readyz")), each(() => health("/healthz")), each(operator)];
  return {
    async stop(): Promise<Looks> {
      stopped = true;
      await Promise.all(all);
      return looks;
    },
  };
}

async function took(url: URL, init: RequestInit): Promise<number> {
  const sentMs = performance.now();
  const response = await fetch(url, init).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.ok === true ? performance.now() - sentMs : Number.POSITIVE_INFINITY;
}

export const p99Of = (latencies: readonly number[]) => percentilesOf([...latencies]).at(99);
