import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { createCouponClient, type KeyStorage, type Progress } from "../../client/coupon-client.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type Asked, passUntil, refusing, settle, stubTransport } from "./stub-transport.ts";

const ID = "0123456789ABCDEFGHJKMNPQRS";
const issued = {
  coupon: { code: "가0", campaignId: ID, seq: 1, issuedAt: timestampFromMs(1) },
  replayed: false,
};

/** A client whose service answers with the items of `script` in turn; an error is thrown. */
function clientOf(
  script: unknown[],
  given: { storage?: KeyStorage; random?: () => number; token?: string } = {},
) {
  const clock = fakeClock();
  const asked: (Asked & { readonly atMs: number })[] = [];
  const online = { is: true, wake: () => {} };
  const transport = stubTransport((request) => {
    asked.push({ ...request, atMs: clock.elapsed() });
    const answer = script.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const client = createCouponClient({
    ...{ baseUrl: "", transport, clock, random: () => 0.5 },
    connection: {
      isOnline: () => online.is,
      onOnline(wake) {
        online.wake = wake;
        return () => {};
      },
    },
    ...given,
  });
  return { client, clock, asked, online, script };
}

/** Keeps values, and the order of what happens to them. */
function notingStorage() {
  const values = new Map<string, string>();
  const order: string[] = [];
  const storage: KeyStorage = {
    get: (name) => values.get(name),
    async set(name, value) {
      order.push("setting");
      await settle();
      values.set(name, value);
      order.push("set");
    },
    remove: (name) => void values.delete(name),
  };
  return { storage, values, order };
}

const lost = () => new ConnectError("reset", Code.Unknown);

describe("A claim", () => {
  for (const token of ["secret\nsecret", "비밀-secret"])
    it(`with a token that no header can have (${JSON.stringify(token)}) fails, and repeats nothing of it`, async () => {
      const { client, asked } = clientOf([issued], { token });
      const outcome = await client.claim(ID, { userId: "u" });
      expect(outcome.kind).to.equal("failed");
      expect(JSON.stringify(outcome)).not.to.include("secret");
      expect(asked).to.deep.equal([]);
    });

  it("asks again with one key after every answer that is not definite", async () => {
    const passing = (
      ["OVERLOADED", "UNCERTAIN", "RATE_LIMITED", "DEADLINE_EXCEEDED", "NOT_READY"] as const
    ).map((reason) => refusing(reason, { retryAfterMs: 100n }));
    const { client, clock, asked } = clientOf([lost(), ...passing, {}, issued]);
    const outcome = await passUntil(clock, client.claim(ID));
    expect(outcome).to.include({ kind: "issued", replayed: false });
    expect(asked).to.have.length(8);
    const keys = new Set(asked.map(({ input }) => input["requestId"]));
    expect([...keys]).to.deep.equal([outcome.requestId]);
    expect(outcome.requestId).to.match(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const waits = asked.slice(1).map(({ atMs }, i) => atMs - (asked[i]?.atMs ?? 0));
    expect(waits).to.deep.equal([100, 300, 500, 900, 1_700, 2_600, 2_500]);
  });

  it("asks once where the refusal is final", async () => {
    const kinds = {
      ...{
        SOLD_OUT: "soldOut",
        ENDED: "ended",
        CANCELLED: "cancelled",
        PAUSED: "paused",
        INVALID: "invalid",
      },
      ...{ NOT_STARTED: "notStarted", UNKNOWN_CAMPAIGN: "unknownCampaign", CONFLICT: "refused" },
      ...{ UNAUTHENTICATED: "unauthenticated", PERMISSION_DENIED: "permissionDenied" },
    } as const;
    for (const [reason, kind] of Object.entries(kinds)) {
      const { client, clock, asked } = clientOf([
        refusing(reason as keyof typeof kinds, { retryAfterMs: 1_000n }),
        issued,
      ]);
      expect(await passUntil(clock, client.claim(ID)), reason).to.include({ kind });
      expect(asked, reason).to.have.length(1);
    }
    const { client, clock, asked } = clientOf([new ConnectError("no route", Code.Unimplemented), issued]);
    expect(await passUntil(clock, client.claim(ID))).to.include({ kind: "failed", code: "unimplemented" });
    expect(asked).to.have.length(1);
  });

  it("decides by the code where the contract is newer", async () => {
    const unknown = (code: Code) => {
      const value = { reason: 99 as 1, retryAfterMs: 10n };
      const [detail] = refusing("PAUSED").details;
      return new ConnectError("new", code, undefined, [{ ...(detail as object), value } as never]);
    };
    const { client, clock, asked } = clientOf([unknown(Code.Unavailable), unknown(Code.FailedPrecondition)]);
    const outcome = await passUntil(clock, client.claim(ID));
    expect(outcome).to.include({ kind: "refused", reason: "REFUSAL_REASON_99" });
    expect(asked).to.have.length(2);
  });

  it("comes back exactly when the service says, before the start", async () => {
    const early = (ms: number) =>
      refusing("NOT_STARTED", { retryAfterMs: BigInt(ms), startsAt: timestampFromMs(5) });
    const { client, clock, asked } = clientOf([
      early(700_123),
      early(400_123),
      early(100_123),
      early(4),
      issued,
    ]);
    const progress: Progress[] = [];
    const claim = client.claim(ID, { waitForStart: true, onProgress: (p) => progress.push(p) });
    expect(await passUntil(clock, claim)).to.include({ kind: "issued" });
    // A long wait is asked about in between, as an operator may move the start.
    expect(asked.map(({ atMs }) => atMs)).to.deep.equal([0, 300_000, 600_000, 700_123, 700_127]);
    expect(progress.filter(({ kind }) => kind === "waiting")).to.have.length(4);
    expect(progress[1]).to.deep.include({ why: "start", startsAt: new Date(5) });
  });

  it("gives up when its patience is over, which the wait for the start is no part of", async () => {
    const early = refusing("NOT_STARTED", { retryAfterMs: 60_000n });
    const { client, clock, asked } = clientOf([early, ...Array.from({ length: 100 }, lost)]);
    const outcome = await passUntil(clock, client.claim(ID, { waitForStart: true, patienceMs: 2_000 }));
    expect(outcome).to.include({ kind: "unanswered", message: "reset" });
    expect(asked.at(-1)?.atMs).to.be.within(61_000, 62_000);
  });

  it("says at once where its patience, or that of a try, is no length of time", async () => {
    for (const patienceMs of [Number.NaN, -1]) {
      const { client, asked } = clientOf([issued]);
      const error = await client.claim(ID, { patienceMs }).catch((thrown: unknown) => thrown);
      expect(error).to.be.an.instanceOf(RangeError);
      expect(String(error)).to.include(`patienceMs is ${patienceMs}`);
      expect(asked).to.deep.equal([]);
      expect(() => createCouponClient({ baseUrl: "https://a.example", tryTimeoutMs: patienceMs })).to.throw(
        RangeError,
        "tryTimeoutMs",
      );
    }
  });

  it("asks again when a try has no answer, whatever the transport does with its signal", async () => {
    const { client, clock, asked } = clientOf([new Promise(() => {}), issued]);
    expect(await passUntil(clock, client.claim(ID))).to.include({ kind: "issued" });
    expect(asked.map(({ atMs }) => atMs)).to.deep.equal([0, 8_100]);
    expect(asked[0]?.signal?.aborted).to.equal(true);
  });

  it("ends with the signal's reason, in a try and in a wait", async () => {
    for (const script of [[new Promise(() => {})], [lost(), issued]]) {
      const { client, asked, clock } = clientOf(script);
      const own = new AbortController();
      const claim = client.claim(ID, { signal: own.signal }).catch((error: unknown) => error);
      await settle();
      own.abort();
      expect(await claim).to.have.property("name", "AbortError");
      clock.pass(60_000);
      await settle();
      expect(asked).to.have.length(1);
    }
  });

  it("waits for the network where the device has none", async () => {
    const { client, clock, asked, online } = clientOf([lost(), issued]);
    online.is = false;
    const progress: Progress[] = [];
    const claim = client.claim(ID, { onProgress: (p) => progress.push(p) });
    await settle();
    clock.pass(9_000);
    await settle();
    expect(asked).to.have.length(1);
    expect(progress.at(-1)).to.include({ kind: "waiting", why: "offline" });
    online.is = true;
    online.wake();
    await settle();
    expect(await claim).to.include({ kind: "issued" });
    expect(asked[1]?.atMs).to.equal(9_000);
  });

  it("asks for its token before each try", async () => {
    const tokens = ["a", "b"];
    const clock = fakeClock();
    const sent: (string | null)[] = [];
    const client = createCouponClient({
      ...{ baseUrl: "", clock },
      token: async () => tokens.shift() ?? "",
      transport: stubTransport(({ header }) => {
        sent.push(header.get("authorization"));
        if (sent.length === 1) throw lost();
        return issued;
      }),
    });
    await passUntil(clock, client.claim(ID));
    expect(sent).to.deep.equal(["Bearer a", "Bearer b"]);
  });
});

describe("A claim's key", () => {
  it("is stored before the first request, and is the same after a reload", async () => {
    const { storage, order, values } = notingStorage();
    const first = clientOf([lost(), new Promise(() => {})], { storage });
    const page = new AbortController();
    const claim = first.client.claim(ID, { signal: page.signal, onProgress: ({ kind }) => order.push(kind) });
    claim.catch(() => {});
    await settle();
    await settle();
    expect(order).to.deep.equal(["setting", "set", "asking", "waiting"]);
    page.abort();
    const second = clientOf([issued], { storage });
    const { requestId } = await passUntil(second.clock, second.client.claim(ID.toLowerCase()));
    expect(requestId).to.equal(first.asked[0]?.input["requestId"]);
    expect([...values.values()]).to.deep.equal([requestId]);
  });

  it("is one for claims at the same time, and each user and campaign has its own", async () => {
    const { storage } = notingStorage();
    const { client } = clientOf(Array(5).fill(issued), { storage });
    const [a, b, other] = await Promise.all([
      client.claim(ID),
      client.claim(ID),
      client.claim(ID, { userId: "u" }),
    ]);
    expect(a.requestId).to.equal(b.requestId);
    expect(other.requestId).not.to.equal(a.requestId);
    await client.forget(ID);
    expect((await client.claim(ID)).requestId).not.to.equal(a.requestId);
    expect((await client.claim(ID, { userId: "u" })).requestId).to.equal(other.requestId);
  });

  it("is the caller's where given, and is not stored", async () => {
    const { storage, values } = notingStorage();
    const { client, asked } = clientOf([issued], { storage });
    await client.claim(ID, { requestId: "mine" });
    expect(asked[0]?.input["requestId"]).to.equal("mine");
    expect(values.size).to.equal(0);
    const { requestId } = await clientOf([issued]).client.claim(ID, { requestId: "" });
    expect(requestId).to.have.length(36);
  });

  it("needs no storage that works", async () => {
    const broken = (): never => {
      throw new Error("quota");
    };
    for (const storage of [
      { get: broken, set: broken, remove: broken },
      { get: () => null, set: async () => broken(), remove: broken },
      { get: () => new Promise<never>(() => {}), set: broken, remove: broken },
    ]) {
      const { client, clock, asked } = clientOf([lost(), issued, issued], { storage });
      const first = await passUntil(clock, client.claim(ID));
      expect(first).to.include({ kind: "issued" });
      expect((await client.claim(ID)).requestId).to.equal(first.requestId);
      expect(new Set(asked.map(({ input }) => input["requestId"])).size).to.equal(1);
      await client.forget(ID);
    }
  });
});
