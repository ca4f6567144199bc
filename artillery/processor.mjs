/**
 * The functions that artillery calls around each request: they choose the user, check the answer, and write
 * the callers' own record (audit/history.ts has its form). They run in artillery's worker threads, without
 * the service's code.
 */
import { openSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import { decodeResponse, encodeRequest } from "./binary.mjs";
import { isInBurst } from "./burst.mjs";
import { takeOver, tellLoaded, tellWaiting } from "./handover.mjs";
import { newUser, readAnswer, takeAnswer, unknownAnswer, wantsToAsk } from "./user.mjs";

/**
 * @typedef {import("./user.mjs").User} User
 * @typedef {import("./user.mjs").Answer} Answer
 * @typedef {import("./handover.mjs").Campaign} Campaign
 * @typedef {{ vars: { user?: User, waited?: boolean, invoked?: { atMs: number, order: number } } }} Context
 * @typedef {import("node:events").EventEmitter} Events
 * @typedef {(error?: Error) => void} Next
 */

/** The folder of the runner's answer; empty: no runner, COUPON_CAMPAIGN names a campaign that is open. */
const handover = process.env["COUPON_HANDOVER"] ?? "";
/** Whether users that arrive before the instant wait for it. */
const isBurst = process.env["COUPON_BURST"] === "true";
/** @type {Campaign | undefined} */
let campaign =
  handover === "" ? { campaignId: required("COUPON_CAMPAIGN"), startsAtMs: 0, phasesAtMs: 0 } : undefined;
/** @type {Promise<Campaign> | undefined} */
let taking;
const isBinary = process.env["COUPON_CODEC"] === "binary";
/** @type {WeakSet<Events>} */
const readAsBytes = new WeakSet();
const history = openSync(required("COUPON_HISTORY"), "a", 0o600);
/** Different for each run and thread, so that every virtual user has a new user id. */
const userPrefix = `${hostname().slice(0, 20)}-${process.pid}-${Date.now().toString(36)}-${threadId}`;
let users = 0;
/** All wrong answers are counted; the first ones are printed. */
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

async function theCampaign() {
  taking ??= takeOver(handover);
  campaign ??= await taking;
  return campaign;
}

/**
 * Runs once, before the first phase: delays the phases of a launch so that they fit the campaign's instant.
 * The phases of a burst begin at once, because their users wait.
 */
export async function waitForPhases() {
  if (handover !== "") tellLoaded(handover);
  if (isBurst) return;
  const { phasesAtMs } = await theCampaign();
  await sleep(Math.max(0, phasesAtMs - Date.now()));
}

/**
 * @param {Context} context
 * @param {Events} events
 * @param {Next} next
 */
export function arrive(context, events, next) {
  users += 1;
  context.vars.user = newUser(`${userPrefix}-${users}`, Math.random);
  events.emit("counter", "coupon.wrong_answers", 0);
  next();
}

/** @param {Context} context */
export async function waitAsTold(context) {
  if (isBurst && Date.now() < (campaign?.startsAtMs ?? Number.POSITIVE_INFINITY))
    return waitForInstant(context);
  await theCampaign();
  const { waitMs = 0 } = context.vars.user ?? {};
  if (waitMs > 0) await sleep(waitMs);
}

/** @param {Context} context */
async function waitForInstant(context) {
  if (handover !== "") tellWaiting(handover);
  context.vars.waited = true;
  const { startsAtMs } = await theCampaign();
  // A timer may be a millisecond early.
  for (let leftMs = 1; leftMs > 0; leftMs = startsAtMs - Date.now())
    await sleep(Math.max(0, startsAtMs - Date.now()));
}

/**
 * @param {{ json?: unknown, body?: Buffer, headers: Record<string, string> }} request
 * @param {Context} context
 * @param {Events} events
 * @param {Next} next
 */
export function ask(request, context, events, next) {
  const { campaignId = "", startsAtMs = 0 } = campaign ?? {};
  const { userId = "", tries = 0 } = context.vars.user ?? {};
  if (isBinary) {
    keepBytes(events);
    delete request.json;
    request.body = encodeRequest(campaignId, userId);
    request.headers["content-type"] = "application/proto";
  } else request.json = { campaignId, userId };
  const invoked = stamp();
  context.vars.invoked = invoked;
  if (context.vars.waited === true && tries === 0 && isInBurst(invoked.atMs, startsAtMs))
    events.emit("counter", "coupon.in_burst", 1);
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
  take(context, events, readAnswer(response.statusCode, jsonOf(response), campaign?.campaignId ?? ""));
  next();
}

/**
 * Artillery collects the body as text: with one character for each byte, no byte is lost.
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
 * The request has no answer. Artillery ends the virtual user here; the record has an `unknown` outcome.
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
  // Written at once and whole: a worker may be ended at any time, and lines of two workers must not mix.
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
 * Artillery calls this after each turn of the loop.
 *
 * @param {Context} context
 * @param {(more: boolean) => void} next
 */
export function wantsMore(context, next) {
  next(context.vars.user !== undefined && wantsToAsk(context.vars.user));
}
