import { availableParallelism, loadavg } from "node:os";
import type { Store } from "../../local/store.ts";
import { redactUrls } from "../../runtime/url-secrets.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import type { Ground } from "./ground.ts";
import type { DemoOptions } from "./options.ts";

export type HeaderFacts = {
  readonly options: DemoOptions;
  readonly ground: Ground;
  readonly campaignId: string;
  readonly startsAtMs: number;
  readonly presses: number;
};

/** The plan of the demo, and the addresses and pids with which a user can inspect it or break it. */
export function headerLines({ options, ground, campaignId, startsAtMs, presses }: HeaderFacts): string[] {
  const { stack, service, baseUrl, dataDir } = ground;
  const number = (value: number) => value.toLocaleString("en");
  return [
    "",
    `${number(options.total)} coupons, one a user. ${number(options.users)} users press ${number(presses)} times at ${number(options.ratePerSecond)} a second,`,
    `half of them twice. The pressing begins ${options.secondsBefore} s before the opening: so early, each must be refused.`,
    "",
    `  opens     ${new Date(startsAtMs).toISOString()}`,
    `  campaign  ${campaignId}`,
    `  service   ${baseUrl}  pid ${service.pid}  (also ${baseUrl}/metrics)`,
    `  console   ${consoleAddress(baseUrl, campaignId)}`,
    `  token     ${OPERATOR_TOKEN}  (of this demo alone: the console asks for it)`,
    `  redis     ${storeWords(stack.redis)}`,
    `  mongodb   ${storeWords(stack.mongodb)}`,
    `  machine   ${availableParallelism()} cores, load average ${loadavg()[0]?.toFixed(1)} at the start`,
    `  seed      ${options.seed}`,
    `  data      ${dataDir}${options.keep ? "  (kept)" : "  (removed at the end)"}`,
    ...breakItLines(stack.redis),
  ];
}

/** The campaign's page in the operators' console. */
export function consoleAddress(baseUrl: string, campaignId: string): string {
  return `${baseUrl}/console/#/campaigns/${campaignId}`;
}

function storeWords({ url, pid, origin }: Store): string {
  return `${redactUrls(url)}  ${pid === undefined ? "" : `pid ${pid}  `}(${origin})`;
}

function breakItLines({ pid, dir, host, port }: Store): string[] {
  if (pid === undefined || dir === undefined) return [];
  return [
    "",
    "  To see it survive, kill Redis meanwhile in another terminal, and start it again:",
    `    kill -9 ${pid}`,
    `    redis-server --bind ${host} --port ${port} --dir ${dir} --appendonly yes --appendfsync always --save ''`,
  ];
}
