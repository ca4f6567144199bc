import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect } from "chai";
import { createRefusedCredentials, type RefusedCredentials } from "../../../claims/refused-credentials.ts";
import { createRefusedSources, type RefusedSources } from "../../../server/http/refused-sources.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const CROWD = "203.0.113.7";
const OTHER_CROWD = "203.0.113.8";
const HONEST = "198.51.100.1";
const WAITING_MAX = 6;
/** A request that the other listener got, after its turn. */
const waited = (name: string) => `${name}, after its turn`;

const UNAUTHENTICATED = { reason: "UNAUTHENTICATED", why: "" } as const;
const PERMISSION_DENIED = { reason: "PERMISSION_DENIED", why: "" } as const;

describe("sources whose credentials are refused", () => {
  let clock: FakeClock;
  let sources: RefusedSources;
  let credentials: RefusedCredentials;
  let begun: string[];
  let refused: number;

  beforeEach(() => {
    clock = fakeClock();
    begun = [];
    refused = 0;
    credentials = createRefusedCredentials(clock);
    sources = createRefusedSources({
      addressOf: ({ socket }) => socket.remoteAddress ?? "",
      refusedCredentials: credentials,
      ...{ perTurn: 2, waitingMax: WAITING_MAX },
      refuse: () => {
        refused += 1;
      },
    });
  });

  function request(address: string, name = address) {
    const one = { socket: { remoteAddress: address }, destroyed: false };
    const listener = sources.taking(
      () => void begun.push(name),
      () => void begun.push(waited(name)),
    );
    listener(one as unknown as IncomingMessage, {} as ServerResponse);
    return one;
  }

  it("are begun a few in a turn, and everybody else at once", async () => {
    credentials.note(UNAUTHENTICATED, CROWD);
    for (let i = 0; i < 5; i++) request(CROWD);
    request(HONEST);
    expect(begun).to.deep.equal([HONEST]);
    await nextTurn();
    request(HONEST);
    expect(begun).to.deep.equal([HONEST, waited(CROWD), waited(CROWD), HONEST]);
    await nextTurn();
    await nextTurn();
    expect(begun.filter((name) => name === waited(CROWD))).to.have.length(5);
  });

  it("take turns, one after the other, however many requests one of them has ready", async () => {
    credentials.note(PERMISSION_DENIED, CROWD);
    credentials.note(UNAUTHENTICATED, OTHER_CROWD);
    for (let i = 0; i < 3; i++) request(CROWD);
    request(OTHER_CROWD);
    await nextTurn();
    expect(begun).to.deep.equal([CROWD, OTHER_CROWD].map(waited));
  });

  it("are served at once again after a second, or when none of their answers is a refusal of that kind", () => {
    for (const reason of ["SOLD_OUT", "UNKNOWN_CAMPAIGN", "UNCERTAIN"] as const)
      credentials.note({ reason }, CROWD);
    credentials.note({ reason: "RATE_LIMITED", by: "key", retryAfterMs: 1 }, CROWD);
    request(CROWD, "not refused");
    credentials.note(UNAUTHENTICATED, CROWD);
    clock.pass(1_000);
    request(CROWD, "refused long ago");
    expect(begun).to.deep.equal(["not refused", "refused long ago"]);
  });

  it("keep their order: what comes while others of a source wait, waits behind them", async () => {
    credentials.note(UNAUTHENTICATED, CROWD);
    for (const name of ["1", "2", "3"]) request(CROWD, name);
    clock.pass(1_000);
    request(CROWD, "4");
    expect(begun).to.deep.equal([]);
    await nextTurn();
    await nextTurn();
    expect(begun).to.deep.equal(["1", "2", "3", "4"].map(waited));
  });

  it("cost nothing where they have left, and are refused where too many wait", async () => {
    credentials.note(UNAUTHENTICATED, CROWD);
    const left = request(CROWD, "left");
    left.destroyed = true;
    for (let i = 1; i < WAITING_MAX + 2; i++) request(CROWD, String(i));
    expect(refused).to.equal(2);
    await nextTurn();
    expect(begun).to.deep.equal(["1", "2"].map(waited));
  });

  it("a request that comes with its own way to run waits for the same turns", async () => {
    const run = (address: string) => {
      const one = { socket: { remoteAddress: address }, destroyed: false } as unknown as IncomingMessage;
      const noted = (isOfRefused: boolean) => void begun.push(isOfRefused ? waited(address) : address);
      sources.inTurn({ request: one, run: noted }, {} as ServerResponse);
    };
    credentials.note(UNAUTHENTICATED, CROWD);
    request(CROWD);
    run(CROWD);
    run(CROWD);
    run(HONEST);
    expect(begun).to.deep.equal([HONEST]);
    await nextTurn();
    expect(begun).to.deep.equal([HONEST, waited(CROWD), waited(CROWD)]);
    await nextTurn();
    expect(begun).to.deep.equal([HONEST, waited(CROWD), waited(CROWD), waited(CROWD)]);
  });

  it("IPv6: the addresses of a /64 are one", async () => {
    credentials.note(UNAUTHENTICATED, "2001:db8::1");
    request("2001:db8::2");
    request("2001:db8:0:1::2", "another network");
    expect(begun).to.deep.equal(["another network"]);
  });

  it("over HTTP/2 another listener serves them, which gives them turns of its own", () => {
    const call = (address: string) => {
      const listener = sources.choosing(
        () => void begun.push(address),
        () => void begun.push(`${address}, of refused`),
      );
      listener(
        { socket: { remoteAddress: address } } as unknown as Http2ServerRequest,
        {} as Http2ServerResponse,
      );
    };
    credentials.note(UNAUTHENTICATED, CROWD);
    call(CROWD);
    call(HONEST);
    clock.pass(1_000);
    call(CROWD);
    expect(begun).to.deep.equal([`${CROWD}, of refused`, HONEST, CROWD]);
  });
});
