import { numberFlag } from "../number-flag.ts";
import { parseFlags } from "../parse-flags.ts";
import { Trouble } from "../trouble.ts";

export type ConcurrencyOptions = {
  readonly servers: number;
  readonly requests: number;
  readonly coupons: number;
  /** The run ends by itself within so many seconds, finished or not. */
  readonly withinSeconds: number;
  /** Where the results are written. */
  readonly out: string;
  readonly help: boolean;
};

/** The most that `--within` takes. */
export const WITHIN_MOST_SECONDS = 3_600;

export const USAGE = `npm run concurrency -- [flags]
  --servers N    server processes over one Redis and one MongoDB (5)
  --requests N   requests, each of another user, spread over the servers and sent all at once (200)
  --coupons N    coupons (half as many as requests)
  --within N     ends within so many seconds, done or not (30)
  --out FILE     what each request got, then the verdict (results.txt); what is there of an earlier run is kept beside it
Exit codes: 0 PASS, 1 FAIL (a guarantee is violated), 2 could not run, 3 NOT JUDGED (not done in time), 130 Ctrl-C.
`;

const FLAGS = {
  servers: { type: "string", default: "5" },
  requests: { type: "string", default: "200" },
  coupons: { type: "string" },
  within: { type: "string", default: "30" },
  out: { type: "string", default: "results.txt" },
  help: { type: "boolean", default: false },
} as const;

export function readOptions(args: string[]): ConcurrencyOptions {
  const values = parseFlags(args, FLAGS);
  const requests = numberFlag("requests", values.requests, 1, 100_000);
  const half = String(Math.max(1, Math.floor(requests / 2)));
  if (values.out.trim() === "") throw new Trouble("--out must name a file");
  return {
    servers: numberFlag("servers", values.servers, 1, 32),
    requests,
    coupons: numberFlag("coupons", values.coupons ?? half, 1, 100_000),
    withinSeconds: numberFlag("within", values.within, 10, WITHIN_MOST_SECONDS),
    out: values.out,
    help: values.help,
  };
}
