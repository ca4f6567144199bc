import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { isLoopback } from "../../runtime/loopback.ts";

const ANY = new Set(["0.0.0.0", "[::]"]);
/** A machine may have many addresses; the others try them all. */
const ADDRESSES_MAX = 4;

/**
 * Where other servers find the pages that this one serves at `url`: where it listens on all addresses, at
 * each of the machine. None where only TLS leads to them: the others do not know its certificate.
 */
export function pagesFoundAt(
  url: string | undefined,
  interfaces: Readonly<Record<string, NetworkInterfaceInfo[] | undefined>> = networkInterfaces(),
): string[] {
  if (url === undefined || !url.startsWith("http:")) return [];
  const { hostname, port } = new URL(url);
  if (!ANY.has(hostname)) return [url];
  const addresses = Object.values(interfaces)
    .flatMap((infos) => infos ?? [])
    .filter(({ address, internal }) => !internal && !isLoopback(address) && !address.startsWith("fe80:"))
    .map(({ address, family }) => (family === "IPv6" ? `[${address}]` : address));
  return addresses.slice(0, ADDRESSES_MAX).map((address) => `http://${address}:${port}`);
}
