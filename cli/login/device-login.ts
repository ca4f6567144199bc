import { setTimeout as delay } from "node:timers/promises";
import { exitCodes } from "../exit-code.ts";
import { printable } from "../render.ts";
import { UserError } from "../user-error.ts";
import type { Provider, Tokens } from "./login.ts";
import { connectProvider, providerTrouble, tokensIn } from "./provider-client.ts";

/** However long the provider would keep the code. */
const maxWaitMs = 30 * 60_000;

/** A code is short; an address with the code in it is not much longer than one line. */
const shownLengthMax = 500;

export interface DeviceLoginOptions {
  /** Tells the operator where to enter which code. */
  readonly tell: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Logs in by a device code (RFC 8628): the operator enters it in a browser, on any machine. @throws UserError
 * where the operator does not, or the provider's tokens are of no use
 */
export async function deviceLogin(provider: Provider, { tell, signal }: DeviceLoginOptions): Promise<Tokens> {
  const { issuer } = provider;
  const { library, configuration, parameters } = await connectProvider(provider);
  if (configuration.serverMetadata().device_authorization_endpoint === undefined) {
    throw new UserError(`${issuer} has no login by a device code (RFC 8628)`, {
      hint: "use an operator's key",
    });
  }
  const waiting = new AbortController();
  try {
    const asked = await library.initiateDeviceAuthorization(configuration, parameters);
    const { verification_uri: place, verification_uri_complete: whole, user_code: code } = asked;
    if ([place, whole ?? "", code].some((text) => text.length > shownLengthMax)) {
      throw new UserError("the provider named a code or a page that is too long to be shown", {
        hint: "ask its administrator",
      });
    }
    tell(`open ${placeText(place)} in a browser and enter the code ${printable(code)}`);
    if (whole !== undefined) tell(`or open ${placeText(whole)} and compare the code`);
    const waitMs = Math.min(asked.expires_in * 1_000, maxWaitMs);
    const polled = library.pollDeviceAuthorizationGrant(configuration, asked, parameters, {
      signal: AbortSignal.any([signal, waiting.signal]),
    });
    const expired = delay(waitMs, undefined, { signal: waiting.signal }).then(() => {
      throw new UserError("nobody entered the code in time", {
        hint: "start again with coupon login",
        exitCode: exitCodes.denied,
      });
    });
    return tokensIn(await Promise.race([polled, expired, interrupted(signal, waiting.signal)]));
  } catch (error) {
    if (signal.aborted) throw new UserError("interrupted", { exitCode: exitCodes.interrupted, cause: error });
    throw providerTrouble(error, issuer);
  } finally {
    waiting.abort();
  }
}

/** The library itself notices an abortion only before its next request. */
function interrupted(signal: AbortSignal, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new Error("interrupted"));
    signal.addEventListener("abort", end, { once: true });
    over.addEventListener("abort", () => signal.removeEventListener("abort", end), { once: true });
  });
}

/** Only a web page may be opened, whatever the provider says. */
function placeText(uri: string): string {
  if (URL.canParse(uri) && /^https?:$/.test(new URL(uri).protocol)) return printable(uri);
  throw new UserError("the provider named no web page to enter the code on", {
    hint: "ask its administrator",
  });
}
