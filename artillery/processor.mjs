/**
 * What artillery calls around each request: who asks, whether the answer is right, and the callers' own record of it
 * (audit/history.ts says its form). Runs in artillery's worker threads, without the service's code.
 */
import { openSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import { decodeResponse, encodeRequest } from "./binary.mjs";
import { newUser, readAnswer, takeAnswer, unknownAnswer, wantsToAsk } from "./user.mjs";

/**
 * @typedef {import("./user.mjs").User} User
 * @typedef {import("./user.mjs").Answer} Answer
 * @typedef {{ vars: { user?: User, invoked?: { atMs: number, order: number } } }} Context
 * @typedef {import("node:events").EventEmitter} Events
 * @typedef {(error?: Error) => void} Next
 */

const campaignId = required("COUPON_CAMPAIGN");
/** Who comes before this instant asks at it: a true burst; 0: everybody asks at once. */
const burstAtMs = Number(process.env["COUPON_BURST_AT_MS"] ?? 0);
const isBinary = process.env["COUPON_CODEC"] === "binary";
/** @type {WeakSet<Events>} */
const readAsBytes = new WeakSet();
const phasesBeginAtMs = Number(process.env["COUPON_PHASES_AT_MS"] ?? 0);
const history = openSync(required("COUPON_HISTORY"), "a", 0o600);
/** Different for each run and thread, so that every virtual user is a new person. */
const userPrefix = `${hostname().slice(0, 20)}-${process.pid}-${Date.now().toString(36)}-${threadId}`;
let users = 0;
/** Wrong answers are all counted; the first ones are told. */
const TELL_MAX = 20;
let told = 0;

/** @param {string} name */
function required(name) {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set: see launch.yml`);
  return value;
}

function stamp() {
  const [seconds, nanoseconds] = process.hrtime();
  return { order: seconds * 1e9 + nanoseconds, atMs: Date.now() };
}

/** Once, before the first phase: so that the phases meet the instant of the campaign. */
export async function waitForPhases() {
  await sleep(Math.max(0, phasesBeginAtMs - Date.now()));
}

/**
 * @param {Context} context
 * @param {Events} events
 * @param {Next} next
 */
export function arrive(context, events, next) {
  users += 1;
  const user = newUser(`${userPrefix}-${users}`, Math.random);
  user.waitMs = Math.max(0, burstAtMs - Date.now());
  context.vars.user = user;
  events.emit("counter", "coupon.wrong_answers", 0);
  next();
}

/** @param {Context} context */
export async function waitAsTold(context) {
  const { waitMs = 0 } = context.vars.user ?? {};
  if (waitMs > 0) await sleep(waitMs);
}

/**
 * @param {{ json?: unknown, body?: Buffer, headers: Record<string, string> }} request
 * @param {Context} context
 * @param {Events} events
 * @param {Next} next
 */
export function ask(request, context, events, next) {
  const userId = context.vars.user?.userId ?? "";
  if (isBinary) {
    keepBytes(events);
    delete request.json;
    request.body = encodeRequest(campaignId, userId);
    request.headers["content-type"] = "application/proto";
  } else request.json = { campaignId, userId };
  context.vars.invoked = stamp();
  next();
}

/**
 * @param {unknown} _request
 * @param {{ statusCode: number, body: string }} response
 * @param {Context} context
 * @param {Events} events
 * @param {Next} next
 */
export function checkAnswer(_request, response, context, events, next) {
  take(context, events, readAnswer(response.statusCode, jsonOf(response), campaignId));
  next();
}

/**
 * Artillery adds the body up as text: with one character a byte none is lost.
 *
 * @param {Events} events
 */
function keepBytes(events) {
  if (readAsBytes.has(events)) return;
  readAsBytes.add(events);
  events.on("trace:http:response", (response) => response.setEncoding("latin1"));
}

/** @param {{ statusCode: number, body: string }} response */
function jsonOf({ statusCode, body }) {
  if (!isBinary) return body;
  const bytes = Buffer.from(body, "latin1");
  if (statusCode !== 200) return bytes.toString();
  try {
    return JSON.stringify(decodeResponse(bytes));
  } catch (error) {
    return `not of the contract: ${error}`;
  }
}

/**
 * No answer at all. Artillery ends the virtual user here; the record says that nothing is known.
 *
 * @param {Error & { code?: string }} error
 * @param {unknown} _request
 * @param {Context} context
 * @param {Events} events
 * @param {Next} next
 */
export function recordFailure(error, _request, context, events, next) {
  take(context, events, unknownAnswer(error.code ?? error.message));
  next();
}

/**
 * @param {Context} context
 * @param {Events} events
 * @param {Answer} answer
 */
function take(context, events, answer) {
  const { user, invoked } = context.vars;
  if (user === undefined || invoked === undefined) throw new Error("an answer to nobody");
  const answered = stamp();
  const { outcome } = answer;
  const entry = {
    claimKey: user.userId,
    invokedAtMs: invoked.atMs,
    answeredAtMs: answered.atMs,
    invokedOrder: invoked.order,
    answeredOrder: answered.order,
    outcome,
  };
  // At once and whole: a worker may be ended at any time, and lines of two workers must not mix.
  writeSync(history, `${JSON.stringify(entry)}\n`);
  const wrong = takeAnswer(user, answer, Math.random);
  const name = outcome.kind === "refused" ? outcome.reason.toLowerCase() : outcome.kind;
  events.emit("counter", `coupon.${outcome.kind === "issued" && outcome.replayed ? "replayed" : name}`, 1);
  if (wrong !== undefined) {
    events.emit("counter", "coupon.wrong_answers", 1);
    if (told < TELL_MAX) console.log(`wrong answer: ${wrong}`);
    told += 1;
  }
}

/**
 * Artillery asks after each turn of the loop.
 *
 * @param {Context} context
 * @param {(more: boolean) => void} next
 */
export function wantsMore(context, next) {
  next(context.vars.user !== undefined && wantsToAsk(context.vars.user));
}
