import { connect } from "node:net";
import { expect } from "chai";
import { createResolve, type Resolve } from "../../../events/sinks/resolve.ts";
import { createTargets, TargetRefused } from "../../../events/sinks/targets.ts";

const PUBLIC = "93.184.215.14";
const resolvesTo =
  (...addresses: string[]): Resolve =>
  () =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));

/** What a connection of Node to the host is given. */
function lookedUp(
  allow: readonly string[],
  resolve: Resolve,
  host: string,
  { isEncrypted = true, all = true, family = 0 } = {},
): Promise<unknown> {
  const lookup = createTargets(allow, resolve).lookup(isEncrypted);
  return new Promise((done, failed) => {
    lookup(host, { all, family }, (error, address) => (error === null ? done(address) : failed(error)));
  });
}

async function refusalOf(looking: Promise<unknown>): Promise<Error> {
  try {
    await looking;
  } catch (error) {
    if (error instanceof TargetRefused) return error;
    throw error;
  }
  throw new Error("it was allowed");
}

describe("where events may go", () => {
  it("a name goes to its public addresses alone", async () => {
    const mixed = resolvesTo("10.0.0.1", PUBLIC, "::ffff:127.0.0.1", "fd00::1", "2606:4700::1111");
    expect(await lookedUp([], mixed, "crm.example")).to.deep.equal([
      { address: PUBLIC, family: 4 },
      { address: "2606:4700::1111", family: 6 },
    ]);
    expect(await lookedUp([], mixed, "crm.example", { all: false })).to.equal(PUBLIC);
    expect(await lookedUp([], mixed, "crm.example", { all: false, family: 6 })).to.equal("2606:4700::1111");
  });

  for (const address of [
    "10.1.2.3",
    "127.0.0.1",
    "::1",
    "169.254.169.254",
    "0.0.0.0",
    "::ffff:10.0.0.1",
    "fe80::1",
  ])
    it(`a name that leads to ${address} is refused, and the refusal does not say where it leads`, async () => {
      const { message } = await refusalOf(lookedUp(["loopback"], resolvesTo(address), "evil.example"));
      expect(message).to.match(/^evil\.example has no address that is public; EVENT_SINKS_ALLOW lists/);
      expect(message).not.to.include(address);
    });

  it("each connection asks again: a name that led to a public address leads here a moment later", async () => {
    const answers = [PUBLIC, "127.0.0.1", PUBLIC];
    const rebinding: Resolve = () => resolvesTo(answers.shift() ?? "")("");
    const targets = createTargets(["loopback"], rebinding);
    const ask = () =>
      new Promise((done) => {
        targets.lookup(true)("evil.example", { all: true }, (error, found) => done(error ?? found));
      });
    expect(await ask()).to.deep.equal([{ address: PUBLIC, family: 4 }]);
    expect(await ask()).to.be.instanceOf(TargetRefused);
    expect(await ask()).to.deep.equal([{ address: PUBLIC, family: 4 }]);
  });

  it("a listed network, address or name may be private; others stay refused", async () => {
    const allow = ["10.20.0.0/16", "fd12::/16", "192.168.7.7", "rabbit.internal"];
    expect(await lookedUp(allow, resolvesTo("10.20.3.4", "10.21.0.1"), "a.example")).to.deep.equal([
      { address: "10.20.3.4", family: 4 },
    ]);
    for (const address of ["fd12:1::1", "192.168.7.7"])
      expect(await lookedUp(allow, resolvesTo(address), "a.example")).to.have.length(1);
    expect(await lookedUp(allow, resolvesTo("172.17.0.2"), "Rabbit.internal.")).to.have.length(1);
    await refusalOf(lookedUp(allow, resolvesTo("172.17.0.2"), "rabbit.internal.example"));
    await refusalOf(lookedUp(allow, resolvesTo("192.168.7.8"), "a.example"));
  });

  it("this machine: where it is listed, and under a name or address that says so", async () => {
    for (const host of ["localhost", "LOCALHOST."])
      expect(await lookedUp(["loopback"], resolvesTo("127.0.0.1", "::1"), host)).to.have.length(2);
    await refusalOf(lookedUp(["10.0.0.0/8"], resolvesTo("127.0.0.1"), "localhost"));
    // A name server's own idea of `localhost`.
    await refusalOf(lookedUp(["loopback"], resolvesTo("10.0.0.1"), "localhost"));
    expect(await lookedUp(["127.0.0.0/8"], resolvesTo("127.0.0.1"), "any.example")).to.have.length(1);
  });

  it("without TLS: to this machine and to what is listed, not to public addresses", async () => {
    const plain = { isEncrypted: false };
    await refusalOf(lookedUp(["loopback"], resolvesTo(PUBLIC), "mq.example", plain));
    expect(await lookedUp(["10.0.0.0/8"], resolvesTo("10.0.0.1"), "mq.example", plain)).to.have.length(1);
    expect(await lookedUp(["loopback"], resolvesTo("127.0.0.1"), "localhost", plain)).to.have.length(1);
  });

  const targets = createTargets(["loopback", "10.0.0.0/8"], createResolve());
  for (const host of [
    "169.254.169.254",
    "192.168.0.1",
    "[fd00:ec2::254]",
    "[::ffff:192.168.0.1]",
    "[::]",
    "0.0.0.0",
  ])
    it(`the address ${host} is refused as it is written`, () => {
      expect(targets.troubleOf(host, true)).to.match(/which is not public; EVENT_SINKS_ALLOW lists/);
    });
  it("addresses that are allowed as they are written", () => {
    for (const host of [
      "1.1.1.1",
      "[2606:4700::1111]",
      "10.9.9.9",
      "127.0.0.1",
      "[::1]",
      "[::ffff:127.0.0.1]",
    ])
      expect(targets.troubleOf(host, true), host).to.equal(undefined);
    expect(targets.troubleOf("1.1.1.1", false)).to.match(/which is reached without TLS/);
    const nowhere = createTargets([], createResolve());
    for (const host of ["localhost", "127.0.0.1", "[::1]"])
      expect(nowhere.troubleOf(host, false), host).to.match(/EVENT_SINKS_ALLOW/);
  });

  it("the system's own look-up: names of this machine, and numbers that resolvers read as its address", async () => {
    // Node does not take these for addresses, so a connection asks the system about them.
    for (const host of ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"]) {
      const connecting = (allow: string[]) =>
        new Promise<NodeJS.ErrnoException>((done, failed) => {
          // Nothing listens on it; what counts is whether a connection is tried.
          const socket = connect({
            host,
            port: 1,
            lookup: createTargets(allow, createResolve()).lookup(true),
          });
          socket.on("error", done).on("connect", () => failed(new Error("connected")));
        });
      expect(await connecting([]), host).to.be.instanceOf(TargetRefused);
      expect((await connecting(["127.0.0.0/8"])).code, host).to.equal("ECONNREFUSED");
    }
    expect(await lookedUp(["loopback"], createResolve(), "localhost")).not.to.have.length(0);
  });

  it("a name is looked up once for all who ask at the same time", async () => {
    const resolve = createResolve();
    const asked = Array.from({ length: 5 }, () => resolve("localhost"));
    expect(new Set(asked).size).to.equal(1);
    const names = ["localhost", "127.1", "127.2", "127.3", "127.4"].map((host) => resolve(host));
    expect((await Promise.all(names)).every((found) => found.length > 0)).to.equal(true);
    expect(resolve("localhost")).not.to.equal(asked[0]);
  });
});
