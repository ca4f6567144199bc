import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { ASKED_MAX, createClaimHook } from "../../claims/claim-hook.ts";
import { createHookCall, type HookQuestion } from "../../claims/hook-call.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { gate } from "../support/open-sale.ts";

const SECRET = "a-secret-of-the-hook";
const ASK: HookQuestion = { campaign_id: "c", user_id: "alice", address: "192.0.2.7", token: "t" };

type Answer = (request: IncomingMessage, response: ServerResponse, question: HookQuestion) => void;

const json =
  (body: unknown, status = 200): Answer =>
  (_, response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
const ALLOW = json({ allow: true });

describe("the claim hook", () => {
  let server: Server;
  let url: string;
  let answer: Answer;
  let asked: { question: HookQuestion; authorization: string | undefined; path: string | undefined }[];

  before(async () => {
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => void parts.push(part));
      request.on("end", () => {
        const question = JSON.parse(Buffer.concat(parts).toString()) as HookQuestion;
        asked.push({ question, authorization: request.headers.authorization, path: request.url });
        answer(request, response, question);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/check`;
  });
  beforeEach(() => {
    asked = [];
    answer = ALLOW;
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function open(fails: "open" | "closed", { deadlineMs = 60_000, to = url } = {}) {
    const clock = fakeClock();
    const log: string[] = [];
    const write = (line: string) => void log.push(line);
    const logger = createLogger({ level: "info", format: "json", destination: { write } });
    const call = createHookCall({ url: to, secret: SECRET, deadlineMs });
    const metrics = createMetrics();
    return { clock, log, metrics, hook: createClaimHook({ call, fails, clock, logger, metrics }) };
  }
  const reasonOf = (refusal: { reason: string } | undefined) => refusal?.reason ?? "allowed";

  it("is asked by POST with the facts of the claim and the secret; its verdict holds", async () => {
    const { hook } = open("closed");
    expect(await hook(ASK)).to.equal(undefined);
    expect(asked).to.deep.equal([{ question: ASK, authorization: `Bearer ${SECRET}`, path: "/check" }]);
    answer = json({ allow: false, reason: "expired\r\n\u001b[31mtoken" });
    expect(await hook({ ...ASK, token: "other" })).to.deep.equal({
      reason: "PERMISSION_DENIED",
      why: "this claim was not let through: expired [31mtoken",
    });
    answer = json({ allow: false });
    expect(reasonOf(await hook({ ...ASK, token: "third" }))).to.equal("PERMISSION_DENIED");
  });

  const TROUBLES: readonly (readonly [string, Answer])[] = [
    ["a status of 500", json({ allow: true }, 500)],
    ["a status of 204", (_, response) => response.writeHead(204).end()],
    ["a redirect", (_, response) => response.writeHead(302, { location: "/elsewhere" }).end()],
    ["no JSON", (_, response) => response.end("<html>")],
    ["JSON without a verdict", json({})],
    ["a verdict that is no boolean", json({ allow: "true" })],
    ["a list", json([true])],
    ["an answer that does not end", (_, response) => void response.write('{"allow":')],
    ["an answer of 1 MB", (_, response) => response.end(`{"allow":true,"x":"${"x".repeat(1_000_000)}"}`)],
    ["a connection that breaks", (request) => request.socket.destroy()],
    ["no answer at all", () => undefined],
  ];
  for (const [name, trouble] of TROUBLES) {
    it(`${name}: fails open or closed, as told, and is not kept`, async () => {
      for (const [fails, wanted] of [
        ["open", "allowed"],
        ["closed", "OVERLOADED"],
      ] as const) {
        answer = trouble;
        const { hook } = open(fails, { deadlineMs: 500 });
        expect(reasonOf(await hook(ASK)), fails).to.equal(wanted);
        const before = asked.length;
        await hook(ASK);
        expect(asked.length, "asked again").to.equal(before + 1);
      }
      expect(asked.map(({ path }) => path)).not.to.include("/elsewhere");
    });
  }

  it("a dead hook is left alone after five failures, tried once a second, and trusted again", async () => {
    answer = json({}, 500);
    const { hook, clock, log, metrics } = open("closed");
    for (let i = 0; i < 20; i++) expect(reasonOf(await hook(ASK))).to.equal("OVERLOADED");
    expect(asked.length).to.equal(5);
    clock.pass(1_000);
    for (let i = 0; i < 20; i++) await hook(ASK);
    expect(asked.length, "one trial").to.equal(6);
    answer = ALLOW;
    clock.pass(1_000);
    expect(await hook(ASK)).to.equal(undefined);
    expect(await hook({ ...ASK, token: "next" })).to.equal(undefined);
    expect(log.map((line) => (JSON.parse(line) as { msg: string }).msg)).to.deep.equal([
      "the claim hook does not answer; it is left alone for a while",
      "the claim hook answers again",
    ]);
    expect(log.join("")).not.to.include(SECRET);
    expect(await metrics.registry.metrics()).to.match(/coupon_claim_hook_total\{verdict="undecided"\} 40/);
    const nobody = open("open", { to: "http://127.0.0.1:1/check" });
    expect(await nobody.hook(ASK)).to.equal(undefined);
  });

  it("is asked once for a token of a user, at the same time or later; not for another user's claim with that token", async () => {
    const { hook, clock } = open("closed");
    const opened = gate();
    answer = (...given) => void opened.passed.then(() => ALLOW(...given));
    const many = Array.from({ length: 10 }, () => hook(ASK));
    opened.open();
    expect(new Set(await Promise.all(many))).to.deep.equal(new Set([undefined]));
    await hook(ASK);
    expect(asked.length).to.equal(1);
    answer = json({ allow: false });
    const thief = { ...ASK, user_id: "mallory" };
    expect(reasonOf(await hook(thief))).to.equal("PERMISSION_DENIED");
    expect(reasonOf(await hook({ ...ASK, campaign_id: "d" }))).to.equal("PERMISSION_DENIED");
    await hook(thief);
    expect(asked.length).to.equal(3);
    clock.pass(10_000);
    await hook(thief);
    expect(asked.length, "a denial is kept for ten seconds").to.equal(4);
    expect(await hook(ASK)).to.equal(undefined);
    clock.pass(300_000);
    expect(reasonOf(await hook(ASK)), "a verdict is kept for five minutes").to.equal("PERMISSION_DENIED");
  });

  it("what a person's token has earned is kept through a crowd that is denied", async () => {
    const { hook } = open("closed");
    expect(await hook(ASK)).to.equal(undefined);
    answer = json({ allow: false });
    const CROWD = 20_100;
    for (let i = 0; i < CROWD; i += 100)
      await Promise.all(Array.from({ length: 100 }, (_, k) => hook({ ...ASK, token: `bad ${i + k}` })));
    expect(await hook(ASK)).to.equal(undefined);
    expect(asked.length).to.equal(1 + CROWD);
  });

  it("without a user, the token is one of its address", async () => {
    const { hook } = open("closed");
    const request = { ...ASK, user_id: "" };
    await hook(request);
    await hook(request);
    answer = json({ allow: false });
    expect(reasonOf(await hook({ ...request, address: "192.0.2.8" }))).to.equal("PERMISSION_DENIED");
    expect(asked.length).to.equal(2);
  });

  it("a crowd cannot let itself through by filling the hook, though it fails open", async () => {
    const { hook } = open("open");
    const opened = gate();
    answer = (...given) => void opened.passed.then(() => ALLOW(...given));
    const crowd = Array.from({ length: ASKED_MAX }, (_, i) => hook({ ...ASK, user_id: `u${i}` }));
    expect(reasonOf(await hook({ ...ASK, user_id: "one more" }))).to.equal("OVERLOADED");
    opened.open();
    await Promise.all(crowd);
    expect(await hook({ ...ASK, user_id: "one more" })).to.equal(undefined);
  });

  it("a token longer than any is denied without a question", async () => {
    const { hook } = open("open");
    expect(reasonOf(await hook({ ...ASK, token: "x".repeat(4_097) }))).to.equal("PERMISSION_DENIED");
    expect(asked).to.deep.equal([]);
  });
});
