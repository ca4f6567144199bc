import { decoded } from "./url-secrets.ts";

/** What the service does whatever the URL says (record/mongo.ts), by option, in lower case. */
const KEPT: Readonly<Record<string, (value: string) => boolean>> = {
  w: (value) => value === "majority",
  journal: (value) => value === "true",
  j: (value) => value === "true",
  wtimeoutms: () => false,
  wtimeout: () => false,
  readconcernlevel: (value) => value === "majority",
  readpreference: (value) => value === "primary",
  readpreferencetags: () => false,
  maxstalenessseconds: () => false,
};

/**
 * The names of the options of MONGODB_URL that ask for less durability than the service has, or for reads
 * that decide nothing safely: it does not follow them. `retryWrites=true` is none of them, though it is not
 * followed either: it asks for no less, and every connection string of Atlas has it.
 */
export function weakerOptions(mongodbUrl: string): string[] {
  const query = mongodbUrl.split("?")[1] ?? "";
  const names = query.split("&").flatMap((option) => {
    const [name = "", value = ""] = option.split("=");
    const isKept = KEPT[name.toLowerCase()];
    return isKept === undefined || isKept(decoded(value)) ? [] : [name];
  });
  return [...new Set(names)];
}
