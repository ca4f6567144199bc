import { numberFlag } from "../bench/number-flag.ts";
import { parseFlags } from "../bench/parse-flags.ts";
import { Trouble } from "../bench/trouble.ts";
import { SECONDS_LEAST } from "./phases.ts";

export type LoadOptions = {
  readonly total: number;
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** All users that arrive before the instant wait for it and ask at it. */
  readonly burst: boolean;
  /** The encoding of requests and coupons: application/json or application/proto. */
  readonly codec: "json" | "binary";
  /** Start stores and a server for the load. */
  readonly own: boolean;
  /** Keep the callers' record and artillery's report. */
  readonly keep: boolean;
  readonly help: boolean;
};

export const USAGE = `npm run load -- [flags]      against the service at COUPON_URL (http://127.0.0.1:8080)
  --total N     coupons (5000)
  --rate N      requests a second from the instant on (1000)
  --seconds N   length of the launch (20)
  --burst       everybody who comes before the instant waits for it and asks at it, all at once
  --codec C     json (default) or binary (application/proto)
  --own         start stores and a server for it, and end them afterwards; artillery's limit on latency does not count then
  --keep        keep the callers' record and artillery's report
REDIS_URL and MONGODB_URL, or a local stack that runs (npm start), let the audit look into both stores.
`;

const FLAGS = {
  total: { type: "string", default: "5000" },
  rate: { type: "string", default: "1000" },
  seconds: { type: "string", default: "20" },
  burst: { type: "boolean", default: false },
  codec: { type: "string", default: "json" },
  own: { type: "boolean", default: false },
  keep: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

export function readOptions(args: string[]): LoadOptions {
  const values = parseFlags(args, FLAGS);
  return {
    total: numberFlag("total", values.total, 1, 5_000_000),
    ratePerSecond: numberFlag("rate", values.rate, 1, 20_000),
    seconds: numberFlag("seconds", values.seconds, SECONDS_LEAST, 600),
    burst: values.burst,
    codec: codecFlag(values.codec),
    own: values.own,
    keep: values.keep,
    help: values.help,
  };
}

function codecFlag(text: string): LoadOptions["codec"] {
  if (text === "json" || text === "binary") return text;
  throw new Trouble(`--codec must be json or binary, not "${text}"`);
}
