import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { NetworkInterfaceInfo } from "node:os";
import { expect } from "chai";
import { systemClock } from "../../../runtime/clock.ts";
import { ASK_PAGE_MS, createAskPage } from "../../../server/readiness/ask-page.ts";
import { pagesFoundAt } from "../../../server/readiness/own-pages.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const PASSED = "[+]started ok\n[+]redis ok\n[+]mongodb ok\nreadyz check passed\n";

describe("the pages of other servers", () => {
  let server: Server;
  let answer: { status: number; text: string } | "hang" | "cut";
  let page: string;
  let paths: (string | undefined)[];

  before(async () => {
    server = createServer((request, response) => {
      paths.push(request.url);
      if (answer === "cut") request.socket.destroy();
      else if (answer === "hang") response.write("[+]");
      else response.writeHead(answer.status).end(answer.text);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    page = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    paths = [];
  });
  after((done) => {
    server.closeAllConnections();
    server.close(done);
  });

  it("tell that a server is ready and reaches both stores; nothing else is taken for that", async () => {
    const ask = createAskPage(systemClock);
    const told = async (given: typeof answer) => {
      answer = given;
      return ask(page);
    };
    expect(await told({ status: 200, text: PASSED })).to.equal(true);
    expect(paths).to.deep.equal(["/readyz?verbose"]);
    expect(await told({ status: 503, text: PASSED })).to.equal(false);
    expect(await told({ status: 200, text: PASSED.replace("[+]redis ok", "[-]redis failed: x") })).to.equal(
      false,
    );
    expect(await told({ status: 200, text: "ok" })).to.equal(false);
    expect(await told({ status: 200, text: "x".repeat(9_000) + PASSED })).to.equal(false);
    expect(await told({ status: 302, text: PASSED })).to.equal(false);
    expect(await told("cut")).to.equal(false);
    expect(await ask("http://127.0.0.1:1")).to.equal(false);
  });

  it("have a second to answer", async () => {
    const clock = fakeClock();
    answer = "hang";
    const asked = createAskPage(clock)(page);
    clock.pass(ASK_PAGE_MS);
    expect(await asked).to.equal(false);
  });

  it("are told with each address of the machine where a server listens on all of them", () => {
    const info = (address: string, family: "IPv4" | "IPv6", internal = false) =>
      ({ address, family, internal }) as NetworkInterfaceInfo;
    const interfaces = {
      lo: [info("127.0.0.1", "IPv4", true)],
      eth0: [info("10.1.2.3", "IPv4"), info("fd00::3", "IPv6"), info("fe80::1", "IPv6")],
    };
    const found = (url: string | undefined) => pagesFoundAt(url, interfaces);
    expect(found("http://0.0.0.0:8090")).to.deep.equal(["http://10.1.2.3:8090", "http://[fd00::3]:8090"]);
    expect(found("http://[::]:8090")).to.have.length(2);
    expect(found("http://127.0.0.1:8090")).to.deep.equal(["http://127.0.0.1:8090"]);
    expect([found("https://10.1.2.3:8443"), found(undefined)]).to.deep.equal([[], []]);
  });
});
