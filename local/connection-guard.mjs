/**
 * What the embedded engine lacks: a connection may run commands only after it has proven the password. Used
 * by the engine's wrapper, for each connection.
 */
import { Binary, Double, deserialize, serialize } from "bson";
import { bodyOf } from "./wire-message.mjs";

const MECHANISM = "SCRAM-SHA-256";
const UNAUTHORIZED = 13;
const AUTHENTICATION_FAILED = 18;
/** What a driver asks before it authenticates, and what the local stack asks to see that the server is up. */
const OPEN_TO_ALL = new Set(["hello", "isMaster", "ismaster", "ping", "buildInfo", "buildinfo"]);

/**
 * Returns the reply to a command that the engine must not see, or undefined.
 *
 * @typedef {(name: string, message: Buffer) => Uint8Array | undefined} Guard
 */

/**
 * @param {(() => import("./scram.mjs").Conversation) | undefined} converse undefined: there is no password
 * @returns {Guard}
 */
export function createConnectionGuard(converse) {
  if (converse === undefined) return () => undefined;
  let isAdmitted = false;
  /** @type {import("./scram.mjs").Conversation | undefined} */
  let conversation;
  return (name, message) => {
    if (name === "saslStart" || name === "saslContinue") {
      const asked = bodyIn(message);
      const isFirst = name === "saslStart";
      if (isFirst) conversation = asked["mechanism"] === MECHANISM ? converse() : undefined;
      const text = textOf(asked["payload"]);
      const answer = isFirst ? conversation?.first(text) : conversation?.last(text);
      if (answer === undefined) conversation = undefined;
      if (answer === undefined)
        return refusal(AUTHENTICATION_FAILED, "AuthenticationFailed", "Authentication failed.");
      if (!isFirst) isAdmitted = true;
      return serialize({
        ...{ conversationId: 1, done: !isFirst, payload: new Binary(Buffer.from(answer)) },
        ok: new Double(1),
      });
    }
    if (isAdmitted || OPEN_TO_ALL.has(name)) return undefined;
    // The local stack compares it with the process that it started.
    if (name === "serverStatus") return serialize({ pid: process.pid, ok: new Double(1) });
    return refusal(UNAUTHORIZED, "Unauthorized", `command ${name} requires authentication`);
  };
}

/** @param {Buffer} message @returns {Record<string, unknown>} */
function bodyIn(message) {
  const body = bodyOf(message);
  return body === undefined ? {} : deserialize(message.subarray(body.start, body.end));
}

/** @param {unknown} payload */
function textOf(payload) {
  return payload instanceof Binary ? Buffer.from(payload.buffer).toString("utf8") : "";
}

/** @param {number} code @param {string} codeName @param {string} errmsg */
function refusal(code, codeName, errmsg) {
  return serialize({ ok: new Double(0), errmsg, code, codeName });
}
