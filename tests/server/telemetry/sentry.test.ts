import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { createLogger } from "../../../runtime/logger.ts";
import { redactorOf } from "../../../runtime/redactor.ts";
import { createSentry } from "../../../server/telemetry/sentry.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";
import { HANG_MS } from "../../support/patience.ts";
import { type SentryIngest, startSentryIngest } from "../../support/sentry-ingest.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SECRET = "a-secret-of-the-settings-0815";
const CODE = "가나다라마바0001";

describe("error reports to Sentry", () => {
  let ingest: SentryIngest;
  let clock: FakeClock;
  let lines: string[];

  beforeEach(async () => {
    ingest = await startSentryIngest();
    clock = fakeClock();
    lines = [];
  });
  afterEach(() => ingest.close());

  function open(dsn = ingest.dsn) {
    const destination = { write: (line: string) => void lines.push(line) };
    const redact = redactorOf({ SENTRY_DSN: dsn, OPERATOR_TOKEN: SECRET });
    let take: (line: string) => void = () => undefined;
    const logger = createLogger({
      ...{ level: "trace", format: "json", redact, destination },
      onError: (line) => take(line),
    });
    const reports = createSentry({ dsn, environment: "staging", release: "9.9.9", clock, logger });
    take = reports.take;
    return { logger, reports };
  }

  const received = async (count: number) =>
    expect(await until(() => ingest.bodies.length >= count, HANG_MS)).to.equal(true);

  it("gets the lines of the levels error and fatal, and no other", async () => {
    const { logger, reports } = open();
    logger.warn("a warning");
    logger.child({ component: "claims" }).error({ campaign: "01J", requests: 3 }, "a claim failed");
    logger.info('{"level":"error"');
    logger.fatal({ number: 2 }, "the end");
    await reports.flush();
    await received(2);
    expect(ingest.events().map(({ level, logentry }) => [level, logentry.message])).to.deep.equal([
      ["error", "a claim failed"],
      ["fatal", "the end"],
    ]);
    const [first] = ingest.events();
    expect(first).to.include({ environment: "staging", release: "9.9.9", logger: "claims" });
    expect(first?.tags).to.deep.equal({ component: "claims", campaign: "01J", pid: String(process.pid) });
    expect(first?.extra).to.deep.equal({ requests: "3" });
    expect(ingest.targets[0])
      .to.match(/^\/api\/42\/envelope\/\?/)
      .and.include(`sentry_key=${ingest.key}`);
  });

  it("an error with its causes, the last of them what happened, and the trace of its call", async () => {
    const { logger } = open();
    const cause = new RangeError("too far");
    logger.error({ err: new Error("it failed", { cause }), callId: TRACE_ID }, "a call failed");
    await received(1);
    const [event] = ingest.events();
    const [inner, outer] = event?.exception?.values ?? [];
    expect(inner).to.include({ type: "RangeError", value: "too far" });
    expect(outer).to.include({ type: "Error", value: "it failed" });
    expect(JSON.stringify(outer?.stacktrace)).to.include("sentry.test.ts");
    expect(event?.contexts?.trace.trace_id).to.equal(TRACE_ID);
    expect(event?.tags).to.include({ callId: TRACE_ID });
  });

  it("no code, no user, no secret, whatever line they are in, and no field that is not listed", async () => {
    const { logger } = open();
    const err = new Error(`E11000 dup key: { _id: "${CODE}" }`);
    err.stack = `Error: ${CODE}\n    at ${CODE} (/srv/${SECRET}.ts:1:1)`;
    logger.error(
      {
        err,
        userId: "claimant~1",
        claimKey: "claimant~2",
        requestId: "claimant~3",
        code: CODE,
        actor: "kim",
      },
      `no ${CODE}, and no ${SECRET}, in ${ingest.dsn}`,
    );
    logger.error({ campaign: CODE, undone: [CODE], deep: { code: CODE } }, "fields");
    await received(2);
    const all = ingest.bodies.join("\n");
    expect(all).to.include("E11000 dup key: [redacted]");
    for (const secret of [CODE, "claimant~", SECRET, ingest.key, "kim", "deep"])
      expect(all, secret).to.not.include(secret);
  });

  it("a flood of one message leaves room for another, and is counted", async () => {
    const { logger, reports } = open();
    for (let i = 0; i < 1_000; i++) logger.error("the same again");
    logger.error("another");
    await reports.flush();
    await received(6);
    expect(ingest.events().map(({ logentry }) => logentry.message)).to.deep.equal([
      ...Array(5).fill("the same again"),
      "another",
    ]);
    expect(ingest.events().at(-1)?.extra).to.deep.equal({ untold: "995" });
    clock.pass(30_000);
    for (let i = 0; i < 10; i++) logger.error("the same again");
    await reports.flush();
    expect(ingest.bodies).to.have.length(7);
    expect(ingest.events().at(-1)?.extra, "each is counted once").to.deep.equal({});
    logger.error("another");
    await reports.flush();
    expect(ingest.events().at(-1)?.extra).to.deep.equal({ untold: "9" });
  });

  it("many messages at once are bounded, too", async () => {
    const { logger, reports } = open();
    for (let i = 0; i < 1_000; i++) logger.error(`message ${i}`);
    await reports.flush();
    await received(30);
    clock.pass(2_000);
    logger.error("one more");
    await received(31);
    expect(ingest.events().at(-1)?.extra).to.deep.equal({ untold: "970" });
  });

  it("one that never answers holds nothing up: what waits is bounded, and a flush ends", async () => {
    ingest.answer = undefined;
    const { logger, reports } = open();
    for (let i = 0; i < 100; i++) {
      logger.error(`message ${i}`);
      clock.pass(2_000);
    }
    await received(30);
    await reports.flush();
    expect(ingest.bodies).to.have.length(30);
    expect(lines).to.have.length(100);
  });

  it("one that refuses, or is not there, is told once in the log, at a level that it does not get", async () => {
    ingest.answer = (response) => void response.writeHead(401).end();
    const { logger, reports } = open();
    for (let i = 0; i < 3; i++) {
      logger.error(`message ${i}`);
      await reports.flush();
    }
    const warnings = () => lines.filter((line) => line.includes("Sentry"));
    expect(warnings()).to.have.length(1);
    expect(warnings()[0]).to.include('"level":"warn"').and.include("HTTP 401");
    ingest.answer = (response) => void response.end("{}");
    logger.error("heard");
    await reports.flush();
    expect(warnings()).to.have.length(2);
    expect(warnings()[1]).to.include("Sentry takes error reports again");
    await ingest.close();
    logger.error("not heard");
    await reports.flush();
    expect(warnings()).to.have.length(3);
    expect(warnings().join("")).to.not.include(ingest.key);
  });

  it("a redirect is not followed", async () => {
    const other = await startSentryIngest();
    try {
      // Without a user: to a URL with one fetch would not go in any case.
      const location = other.dsn.replace(`${other.key}@`, "");
      ingest.answer = (response) => void response.writeHead(307, { location }).end();
      const { logger, reports } = open();
      logger.error("told");
      await reports.flush();
      expect(ingest.bodies).to.have.length(1);
      expect(other.bodies).to.deep.equal([]);
      expect(lines.at(-1)).to.include("Sentry does not take");
    } finally {
      await other.close();
    }
  });

  it("is left alone for as long as it asks", async () => {
    ingest.answer = (response) => void response.writeHead(429, { "retry-after": "3600" }).end();
    const { logger, reports } = open();
    logger.error("first");
    await reports.flush();
    logger.error("second");
    await reports.flush();
    expect(ingest.bodies).to.have.length(1);
    expect(
      lines.filter((line) => line.includes("Sentry")),
      "it does what is asked",
    ).to.deep.equal([]);
  });

  it("and not for longer: the library's own minute is for answers without a time", async () => {
    ingest.answer = (response) => void response.writeHead(429, { "retry-after": "0" }).end();
    const { logger, reports } = open();
    for (const message of ["first", "second"]) {
      logger.error(message);
      await reports.flush();
    }
    expect(ingest.bodies).to.have.length(2);
  });

  it("also where it asks in an answer that takes the event", async () => {
    const limits = { "x-sentry-rate-limits": "3600:error:organization" };
    ingest.answer = (response) => void response.writeHead(200, limits).end("{}");
    const { logger, reports } = open();
    for (const message of ["first", "second"]) {
      logger.error(message);
      await reports.flush();
    }
    expect(ingest.bodies).to.have.length(1);
  });
});
