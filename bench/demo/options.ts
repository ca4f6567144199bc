import { randomInt } from "node:crypto";
import { numberFlag } from "../number-flag.ts";
import { parseFlags } from "../parse-flags.ts";
import { Trouble } from "../trouble.ts";

export type DemoOptions = {
  readonly total: number;
  readonly users: number;
  readonly ratePerSecond: number;
  /** How long before the opening the pressing begins. */
  readonly secondsBefore: number;
  readonly seed: number;
  /** The callers' client: plain HTTP, or through the Connect client at more than twice the processor time. */
  readonly client: "http" | "connect";
  /** Keep the data folder. */
  readonly keep: boolean;
  /** The file for the callers' own records, for coupon verify --history. */
  readonly history: string | undefined;
  /** One JSON document on standard output instead of the picture, which goes to standard error. */
  readonly json: boolean;
  /** The service's port; 0: any free one. */
  readonly port: number;
  /** The service stays open after the verdict, until Ctrl-C. */
  readonly stay: boolean;
  readonly help: boolean;
};

export const USAGE = `npm run demo -- [flags]
  --total N            coupons (5000)
  --users N            people who want one (10000); half of them press twice
  --rate N             presses a second (1000)
  --seconds-before N   how long before the opening the pressing begins (3)
  --seed N             the arrival list; the same seed gives the same list (random, printed)
  --port N             port of the service (any free one)
  --client C           http (default: plain HTTP, light) or connect (the Connect client; takes twice the processor time)
  --stay               stay open after the verdict, until Ctrl-C: the console shows the sale
  --keep               keep the data folder, with the callers' records in it
  --history FILE       write the callers' records there (docs/verify.md has the form)
  --json               one JSON document on standard output, the picture on standard error
`;

const MAX_SEED = 2 ** 32 - 1;

const FLAGS = {
  total: { type: "string", default: "5000" },
  users: { type: "string", default: "10000" },
  rate: { type: "string", default: "1000" },
  "seconds-before": { type: "string", default: "3" },
  seed: { type: "string" },
  port: { type: "string", default: "0" },
  client: { type: "string", default: "http" },
  stay: { type: "boolean", default: false },
  keep: { type: "boolean", default: false },
  history: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

export function readOptions(args: string[]): DemoOptions {
  const values = parseFlags(args, FLAGS);
  return {
    total: numberFlag("total", values.total, 1, 1_000_000),
    users: numberFlag("users", values.users, 1, 1_000_000),
    ratePerSecond: numberFlag("rate", values.rate, 1, 20_000),
    secondsBefore: numberFlag("seconds-before", values["seconds-before"], 0, 60),
    seed: values.seed === undefined ? randomInt(MAX_SEED) : numberFlag("seed", values.seed, 0, MAX_SEED),
    port: numberFlag("port", values.port, 0, 65_535),
    client: clientFlag(values.client),
    stay: values.stay,
    keep: values.keep,
    history: values.history,
    json: values.json,
    help: values.help,
  };
}

function clientFlag(text: string): DemoOptions["client"] {
  if (text === "http" || text === "connect") return text;
  throw new Trouble(`--client must be http or connect, not "${text}"`);
}
