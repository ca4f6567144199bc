import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { newRehearsalId } from "../../../record/campaign-id.ts";
import { refusal } from "../../support/answers.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { createServices, type Services } from "../../support/service.ts";
import { withStores } from "../../support/with-stores.ts";

const HOOK = "http://127.0.0.1:9/";
const BROKER = "amqp://guest:guest@127.0.0.1:9";
const SECRET = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
const NAME_RULE = "1 to 63 small letters, digits, hyphens and underscores";
const LETTERS = "ids that ListDeadLetters returned";

describe("Bad input to EventService", () => {
  const stores = withStores();
  let services: Services;
  let events: Clients["events"];

  before(async () => {
    services = createServices(stores.env);
    // Nothing is delivered: what a request leaves behind is all that there is.
    ({ events } = connectClients((await services.start({ roles: "server" })).url));
    const paused = { paused: true, actor: "ada" };
    await events.addSink({ name: "hook", url: HOOK, secret: SECRET, ...paused });
    await events.addSink({ name: "broker", url: BROKER, exchange: "coupons", ...paused });
  });

  after(() => services?.end());

  type Call = () => Promise<unknown>;
  type Row = readonly [what: string, field: string, call: Call, ...words: string[]];

  async function firstOf(stream: AsyncIterable<unknown>): Promise<unknown> {
    for await (const message of stream) return message;
    return undefined;
  }

  const sinksNow = async () =>
    JSON.stringify(await stores.db.collection("sinks").find().sort({ _id: 1 }).toArray());

  function refusesEach(method: string, rows: () => readonly Row[]): void {
    it(`${method} names the field and what is allowed, and changes nothing`, async () => {
      const before = await sinksNow();
      for (const [what, field, call, ...words] of rows()) {
        const refused = await refusal(call());
        const told = `${what}: ${refused.message}`;
        expect([refused.code, refused.reason], told).to.deep.equal([Code.InvalidArgument, "INVALID"]);
        expect(refused.message.startsWith(`${field}: `), told).to.equal(true);
        for (const word of words) expect(refused.message, what).to.include(word);
        expect(Number(refused.detail?.retryAfterMs), "asking again does not help").to.equal(0);
        expect(refused.message).not.to.include(SECRET.slice(6)).and.not.to.include("guest:guest");
      }
      expect(await sinksNow()).to.equal(before);
    });
  }

  const namesOf = (call: (name: string) => Promise<unknown>, field = "name"): Row[] =>
    ["", "CRM", "-crm", "a b", "café", "a".repeat(64), "crm\n", "$gt"].map((name) => [
      JSON.stringify(name),
      field,
      () => call(name),
      NAME_RULE,
    ]);
  const actorsOf = (call: (actor: string) => Promise<unknown>): Row[] => [
    ["an actor of 101 characters", "actor", () => call("a".repeat(101)), "100"],
    ["an actor of two lines", "actor", () => call("ada\nbob")],
  ];

  refusesEach("AddSink", () => {
    const add = (fields: object) => () => events.addSink({ name: "new", url: HOOK, ...fields });
    const amqp = { url: BROKER, exchange: "coupons" };
    return [
      ...namesOf((name) => events.addSink({ name, url: HOOK })),
      ...actorsOf((actor) => events.addSink({ name: "new", url: HOOK, actor })),
      ["no url", "url", add({ url: "" }), "must not be empty", "https://", "amqps://"],
      ["no URL", "url", add({ url: "crm" }), "https:// URL"],
      ["another scheme", "url", add({ url: "ftp://127.0.0.1/" }), "https:// URL"],
      ["plain HTTP elsewhere", "url", add({ url: "http://example.com/" }), "https:// URL"],
      ["a password", "url", add({ url: "https://a:b@example.com/" }), "without user, password"],
      ["a fragment", "url", add({ url: "https://example.com/#a" }), "and #"],
      ["a private address", "url", add({ url: "https://10.0.0.1/" }), "not public", "EVENT_SINKS_ALLOW"],
      ["2,001 characters", "url", add({ url: `https://example.com/${"a".repeat(1_981)}` }), "2000"],
      ["no secret of ours", "secret", add({ secret: "hunter2" }), "whsec_"],
      ["a short secret", "secret", add({ secret: "whsec_AAAA" }), "24"],
      ["an exchange for a webhook", "exchange", add({ exchange: "coupons" }), "must be empty for a webhook"],
      ["a secret for RabbitMQ", "secret", add({ ...amqp, secret: SECRET }), "must be empty for RabbitMQ"],
      ["batches for RabbitMQ", "batched", add({ ...amqp, batched: true }), "must be false for RabbitMQ"],
      ["no exchange", "exchange", add({ url: BROKER }), "letters, digits"],
      ["a wrong exchange", "exchange", add({ ...amqp, exchange: "a b" }), "letters, digits"],
      ["an option in the URL", "url", add({ ...amqp, url: `${BROKER}?heartbeat=1` })],
      ["a rehearsal", "campaign_id", add({ campaignId: newRehearsalId(Date.now()) }), "rehearsal"],
      ["an unknown type", "types", add({ types: ["coupon.lost"] }), "coupon.issued", "campaign.*"],
      ["a test as type", "types", add({ types: ["sink.test"] }), "coupon.issued"],
      ["no threshold", "thresholds", add({ thresholds: ["few"] }), "100", "10%"],
      ["a threshold of 101%", "thresholds", add({ thresholds: ["101%"] }), "10%"],
      [
        "11 thresholds",
        "thresholds",
        add({ thresholds: Array.from({ length: 11 }, (_, i) => `${i + 1}`) }),
        "most 10",
      ],
    ];
  });

  refusesEach("GetSink", () => namesOf((name) => events.getSink({ name })));
  refusesEach("TestSink", () => namesOf((name) => events.testSink({ name })));
  for (const [method, call] of [
    ["PauseSink", (fields: { name: string; actor?: string }) => events.pauseSink(fields)],
    ["ResumeSink", (fields: { name: string; actor?: string }) => events.resumeSink(fields)],
    ["RemoveSink", (fields: { name: string; actor?: string }) => events.removeSink(fields)],
  ] as const)
    refusesEach(method, () => [
      ...namesOf((name) => call({ name })),
      ...actorsOf((actor) => call({ name: "hook", actor })),
    ]);

  refusesEach("UpdateSink", () => {
    const update = (fields: object) => () => events.updateSink({ name: "hook", ...fields });
    const ofBroker = (fields: object) => () => events.updateSink({ name: "broker", ...fields });
    const all = "url, exchange, types, all_types, thresholds, no_thresholds, batched";
    return [
      ...namesOf((name) => events.updateSink({ name, url: HOOK })),
      ...actorsOf((actor) => events.updateSink({ name: "hook", url: `${HOOK}b`, actor })),
      ["nothing", all, update({}), "at least one"],
      ["types and all", "types", update({ types: ["coupon.issued"], allTypes: true }), "all_types"],
      [
        "thresholds and none",
        "thresholds",
        update({ thresholds: ["1"], noThresholds: true }),
        "no_thresholds",
      ],
      ["an unknown type", "types", update({ types: ["x"] }), "coupon.issued"],
      ["no threshold", "thresholds", update({ thresholds: ["5 %"] }), "10%"],
      ["another kind", "url", update({ url: BROKER }), "same kind", "webhook"],
      ["another kind", "url", ofBroker({ url: HOOK }), "same kind", "RabbitMQ"],
      ["an exchange", "exchange", update({ exchange: "a" }), "must be empty for a webhook"],
      ["batches", "batched", ofBroker({ batched: true }), "must be false for RabbitMQ"],
      ["a private address", "url", update({ url: "https://192.168.0.1/" }), "not public"],
    ];
  });

  refusesEach("RotateSinkSecret", () => {
    const rotate = (fields: object) => () => events.rotateSinkSecret({ name: "hook", ...fields });
    return [
      ...namesOf((name) => events.rotateSinkSecret({ name })),
      ...actorsOf((actor) => events.rotateSinkSecret({ name: "hook", actor })),
      ["an overlap below 0", "overlap_ms", rotate({ overlapMs: -1n }), "-1", "2,592,000,000"],
      ["31 days", "overlap_ms", rotate({ overlapMs: 2_678_400_000n }), "at most 2,592,000,000"],
      ["an overlap and none", "overlap_ms", rotate({ overlapMs: 1n, noOverlap: true }), "no_overlap"],
      ["no secret of ours", "secret", rotate({ secret: "hunter2" }), "whsec_"],
      ["a sink of RabbitMQ", "name", () => events.rotateSinkSecret({ name: "broker" }), "webhook"],
    ];
  });

  refusesEach("ListDeadLetters", () => [
    ...namesOf((sink) => events.listDeadLetters({ sink }), "sink").slice(1),
    ["a page size below 0", "page_size", () => events.listDeadLetters({ pageSize: -1 })],
    ["a large page", "page_size", () => events.listDeadLetters({ pageSize: 1_000_000 }), "must be"],
    ["a foreign token", "page_token", () => events.listDeadLetters({ pageToken: "x" }), "next_page_token"],
  ]);

  for (const [method, call] of [
    ["ReplayDeadLetters", (fields: object) => events.replayDeadLetters({ sink: "hook", ...fields })],
    ["DropDeadLetters", (fields: object) => events.dropDeadLetters({ sink: "hook", ...fields })],
  ] as const)
    refusesEach(method, () => [
      ...namesOf((sink) => call({ sink, all: true }), "sink"),
      ...actorsOf((actor) => call({ all: true, actor })),
      ["neither ids nor all", "ids", () => call({}), "unless all is true"],
      ["ids and all", "ids", () => call({ ids: ["a"], all: true }), "empty where all is true"],
      ["an empty id", "ids", () => call({ ids: [""] }), LETTERS],
      ["a long id", "ids", () => call({ ids: ["a".repeat(201)] }), LETTERS],
      ["501 ids", "ids", () => call({ ids: Array.from({ length: 501 }, (_, i) => `${i}`) }), "at most 500"],
    ]);

  for (const [method, call, size] of [
    ["ListEvents", (fields: object) => events.listEvents(fields), "page_size"],
    ["FollowEvents", (fields: object) => firstOf(events.followEvents(fields)), "batch_size"],
  ] as const)
    refusesEach(method, () => {
      const sized = (many: number) => (size === "page_size" ? { pageSize: many } : { batchSize: many });
      return [
        [`${size} -1`, size, () => call(sized(-1)), "-1"],
        [`${size} 1,001`, size, () => call(sized(1_001)), "1,000"],
        ["a rehearsal", "campaign_id", () => call({ campaignId: newRehearsalId(Date.now()) }), "rehearsal"],
        ["an unknown type", "types", () => call({ types: ["coupon.lost"] }), "coupon.issued"],
        ["no threshold", "thresholds", () => call({ thresholds: ["-1"] }), "100"],
        ["a foreign token", "page_token", () => call({ pageToken: "x" }), "next_page_token"],
        ["a token from now", "page_token", () => call({ pageToken: "x", fromNow: true }), "from_now"],
      ];
    });
});
