import { parseArgs } from "node:util";
import { numberFlag } from "../bench/number-flag.ts";
import { Trouble } from "../bench/trouble.ts";
import { SECONDS_LEAST } from "./phases.ts";

export type LoadOptions = {
  readonly total: number;
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** Keep the callers' record and artillery's report. */
  readonly keep: boolean;
  readonly help: boolean;
};

export const USAGE = `npm run load -- [flags]      against the service at COUPON_URL (http://127.0.0.1:8080)
  --total N     coupons (5000)
  --rate N      requests a second from the instant on (1000)
  --seconds N   length of the launch (20)
  --keep        keep the callers' record and artillery's report
REDIS_URL and MONGODB_URL, or a local stack that runs (npm start), let the audit look into both stores.
`;

export function readOptions(args: string[]): LoadOptions {
  const { values } = parse(args);
  return {
    total: numberFlag("total", values.total, 1, 5_000_000),
    ratePerSecond: numberFlag("rate", values.rate, 1, 20_000),
    seconds: numberFlag("seconds", values.seconds, SECONDS_LEAST, 600),
    keep: values.keep,
    help: values.help,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        total: { type: "string", default: "5000" },
        rate: { type: "string", default: "1000" },
        seconds: { type: "string", default: "20" },
        keep: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new Trouble(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
