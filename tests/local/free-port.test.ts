import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { expect } from "chai";
import { freePort, isPortFree } from "../../local/free-port.ts";

const NEIGHBOURS = 6;
const CHOICES = 50;

describe("free port", () => {
  it("is none that the kernel gives to outgoing connections, and none is given twice", async () => {
    const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
    const [first = 0, last = 0] = range.trim().split(/\s+/).map(Number);
    const chosen = await Promise.all(Array.from({ length: CHOICES }, () => freePort()));
    expect(new Set(chosen).size).to.equal(CHOICES);
    for (const port of chosen) expect(port < first || port > last, `${port} in ${range}`).to.equal(true);
  });

  it("with neighbours: all of them are free, and none is given again", async () => {
    const held: Server[] = [];
    try {
      const chosen = new Set<number>();
      for (let choice = 0; choice < CHOICES / NEIGHBOURS; choice += 1) {
        const first = await freePort(NEIGHBOURS);
        for (let port = first; port < first + NEIGHBOURS; port += 1) {
          expect(chosen.has(port), String(port)).to.equal(false);
          chosen.add(port);
          const server = createServer();
          held.push(server);
          await new Promise<void>((resolve, reject) => {
            server.once("error", reject);
            server.listen(port, "127.0.0.1", resolve);
          });
          expect(await isPortFree(port), String(port)).to.equal(false);
        }
      }
    } finally {
      for (const server of held) server.close();
    }
  });
});
