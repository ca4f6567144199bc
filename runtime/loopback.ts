import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * Whether only this machine can reach a host, in any spelling: `LOCALHOST`, `127.1`, `0:0:0:0:0:0:0:1`,
 * `[::1]`, `::ffff:127.0.0.1`. Any other name may be another machine, `127.example.com` too.
 */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  if (name === "localhost") return true;
  const address = name.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  // A resolver reads 127.1 and 0x7f000001 as addresses, and so does a URL.
  const plain =
    isIP(address) !== 0 || !URL.canParse(`http://${address}`)
      ? address
      : new URL(`http://${address}`).hostname;
  const family = isIP(plain);
  return family !== 0 && loopback.check(plain, family === 6 ? "ipv6" : "ipv4");
}

/** What may stand in an authority: a host, and a port behind it. */
const AUTHORITY = /^[^\s/?#@\\]{1,300}$/;

/** The host of an authority (`host`, `host:port`), in the one spelling of URLs; undefined: it is none. */
export function hostOf(authority: string): string | undefined {
  const url = `http://${authority}`;
  if (!AUTHORITY.test(authority) || !URL.canParse(url)) return undefined;
  return new URL(url).hostname.replace(/\.$/, "");
}
