import { Code, ConnectError } from "@connectrpc/connect";
import { call } from "./call.ts";
import { exitCodes } from "./exit-code.ts";
import { printable } from "./render.ts";
import type { Session } from "./session.ts";
import { digits, prefixLeast } from "./short-id.ts";
import { UserError } from "./user-error.ts";

const idLength = 26;
const namedMost = 5;

/**
 * The full id as the service writes it, for an id that was given in another case or shortened. Ids sort by
 * creation, so the request asks for those just below the last id that could begin so. A text that cannot be
 * the beginning of an id is returned as it is, and the service refuses it.
 * @throws UserError where no id begins so, or more than one does
 */
export async function meantCampaignId(session: Session, given: string): Promise<string> {
  if (!digits.test(given) || given.length > idLength || given.length < prefixLeast) return given;
  const prefix = given.toUpperCase();
  if (prefix.length === idLength) return prefix;
  const request = {
    pageSize: namedMost + 1,
    pageToken: prefix.padEnd(idLength, "Z"),
    includeRehearsals: true,
  };
  const page = await call(session, (options) => session.campaigns.listCampaigns(request, options)).catch(
    orTokenNeeded,
  );
  const fitting = page.campaigns.filter(({ id }) => id.startsWith(prefix));
  const [only, another] = fitting;
  if (only === undefined) {
    throw new UserError(`no campaign's id begins with ${prefix}`, {
      exitCode: exitCodes.notFound,
      hint: "coupon list shows those that there are",
    });
  }
  if (another !== undefined) {
    const named = fitting.slice(0, namedMost).map(({ id, name }) => `${id} "${printable(name)}"`);
    const more = fitting.length > namedMost ? ", and more" : "";
    throw new UserError(`several campaigns' ids begin with ${prefix}: ${named.join(", ")}${more}`, {
      hint: "give more of the one that is meant",
    });
  }
  session.output.note(`${printable(given)} is ${only.id} "${printable(only.name)}"`);
  return only.id;
}

/**
 * Verbs of the public service need no token, but a shortened id is looked up with the operators' service.
 */
function orTokenNeeded(error: unknown): never {
  const isDenied =
    error instanceof ConnectError && [Code.Unauthenticated, Code.PermissionDenied].includes(error.code);
  if (!isDenied) throw error;
  throw new UserError("a shortened campaign id is looked up with the operator token, which was not taken", {
    exitCode: exitCodes.denied,
    hint: "give the id in full, or the operator token with COUPON_TOKEN, --token or the config file",
    cause: error,
  });
}
