import { answerTo, speaksTls } from "../runtime/port-speech.ts";
import { exitCodes } from "./exit-code.ts";
import { notThisService, unreachableBecause } from "./reach.ts";
import type { Session } from "./session.ts";
import { UserError } from "./user-error.ts";

const probeMs = 1_000;
const frameHeadBytes = 9;
const settingsFrame = 4;
const statusLine = "HTTP/1.";
/** The beginning of an HTTP/2 client's connection: the preface and an empty SETTINGS frame. */
const preface = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1"),
  Buffer.from([0, 0, 0, settingsFrame, 0, 0, 0, 0, 0]),
]);

/**
 * A port with another protocol closes every connection that begins in HTTP/1.1, which looks like a service
 * that crashes; a retry cannot help. So after the first broken connection this finds out the port's protocol:
 * HTTP/2 alone (the gRPC port), TLS, or no HTTP at all.
 * @throws UserError where it is one of these
 */
export async function refuseWrongProtocol({ settings, signal }: Session, error: unknown): Promise<void> {
  if (unreachableBecause(error)?.neverSent !== false) return;
  const url = new URL(settings.url);
  if (url.protocol !== "http:") return;
  const [speech, isTls] = await Promise.all([
    speechOf(url, signal),
    speaksTls(addressOf(url), probeMs, signal),
  ]);
  if (isTls) {
    throw new UserError(`${settings.url} answers in TLS only`, {
      hint: `give --url ${settings.url.replace(/^http:/, "https:")}`,
    });
  }
  if (speech === "other") {
    const { message, hint } = notThisService(settings.url);
    throw new UserError(message, { hint, exitCode: exitCodes.unavailable });
  }
  if (speech !== "http2") return;
  const below = Number(url.port) - 1_000;
  throw new UserError(`${settings.url} answers in HTTP/2 only: is it the gRPC port?`, {
    hint: `give the HTTP port, which is 1000 lower by default${below > 0 ? `: ${below}` : ""}`,
  });
}

type Speech = "http1" | "http2" | "other";

/**
 * The protocol, by the first bytes of the answer: a SETTINGS frame, a status line of HTTP/1.1, or others.
 * undefined: no answer.
 */
async function speechOf(url: URL, signal: AbortSignal): Promise<Speech | undefined> {
  const first = await answerTo(preface, addressOf(url), probeMs, signal);
  if (first === undefined) return undefined;
  if (first.length >= frameHeadBytes && first[3] === settingsFrame) return "http2";
  return first.subarray(0, statusLine.length).toString("latin1") === statusLine ? "http1" : "other";
}

function addressOf({ hostname, port }: URL): { host: string; port: number } {
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80) };
}
