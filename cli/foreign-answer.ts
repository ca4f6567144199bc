import { Code, type ConnectError } from "@connectrpc/connect";
import { type ExitCode, exitCodes } from "./exit-code.ts";
import type { Words } from "./reach.ts";

/** An answer that no coupon service gives: from a proxy, a gateway or a website at the URL. */
export interface ForeignAnswer extends Words {
  readonly exitCode: ExitCode;
}

const bareStatus = /^HTTP (\d{3})$/;
const foreignType = /^unsupported content type (.*)$/s;

/**
 * The service sends every refusal in its protocol. An answer with a bare HTTP status, or a web page, comes
 * from another program, and advice about tokens and logs of the service would not fit. undefined: the answer
 * is the service's own.
 */
export function foreignAnswer(error: ConnectError, url: string): ForeignAnswer | undefined {
  const type = foreignType.exec(error.rawMessage)?.[1];
  if (type !== undefined) {
    return {
      exitCode: exitCodes.unavailable,
      message: `what answers at ${url} is not this service (it sends ${type})`,
      hint: "check --url; a proxy or a sign-in page may answer in its place",
    };
  }
  const status = Number(bareStatus.exec(error.rawMessage)?.[1] ?? Number.NaN);
  // An older service answers an unknown call with 404, too.
  if (Number.isNaN(status) || error.code === Code.Unimplemented) return undefined;
  return answerOf(status, error.metadata.get("location"), url);
}

function answerOf(status: number, location: string | null, url: string): ForeignAnswer {
  const said = `HTTP ${status} from what answers at ${url}`;
  if (status >= 300 && status < 400) {
    const target = originOf(location, url);
    return {
      exitCode: exitCodes.usage,
      message: `${url} leads elsewhere (HTTP ${status})`,
      hint: target === undefined ? "give the address that it leads to in --url" : `give --url ${target}`,
    };
  }
  switch (status) {
    case 400:
      return {
        exitCode: exitCodes.usage,
        message: `${said}: it does not understand the request`,
        hint: url.startsWith("http:") ? "is it an https URL?" : "check --url",
      };
    case 401:
    case 403:
      return {
        exitCode: exitCodes.denied,
        message: `a proxy before the service refused: ${said}`,
        hint: "see to what the proxy asks for; the operator token is not looked at there",
      };
    case 407:
      return {
        exitCode: exitCodes.denied,
        message: `a proxy wants its own sign-in: ${said}`,
        hint: "check the proxy's settings and --url",
      };
    case 413:
      return {
        exitCode: exitCodes.unavailable,
        message: `a proxy before the service refuses a request of this size: ${said}`,
        hint: "see to the proxy's limit",
      };
    case 429:
      return {
        exitCode: exitCodes.unavailable,
        message: `a proxy before the service throttles: ${said}`,
        hint: "try again later",
      };
    case 502:
    case 503:
    case 504:
      return {
        exitCode: exitCodes.unavailable,
        message: `a proxy before the service reaches no server: ${said}`,
        hint: "see that servers run behind it and are ready, and try again",
      };
    default:
      return {
        exitCode: exitCodes.unavailable,
        message: said,
        hint: "check --url; if it is right, the log of what answers there says why",
      };
  }
}

/** Where a redirect leads, without the call's own path. */
function originOf(location: string | null, url: string): string | undefined {
  return location !== null && URL.canParse(location, url) ? new URL(location, url).origin : undefined;
}
