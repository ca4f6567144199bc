import { isIP, SocketAddress } from "node:net";

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * An IP address in its one spelling, without a zone; an IPv4 address that is mapped into IPv6, as a port that
 * listens on `::` sees it, as IPv4. undefined: the text is no address.
 */
export function plainAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  if (family === 0) return undefined;
  // The spelling that sockets have; the way below costs a few microseconds.
  const mapped = MAPPED.exec(text)?.[1];
  if (mapped !== undefined) return mapped;
  const [address = ""] = text.split("%", 1);
  const plain = new SocketAddress({ address, family: "ipv6" }).address;
  return MAPPED.exec(plain)?.[1] ?? plain;
}
