import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Addresses of the Internet. Source: IANA, IPv6 Global Unicast Address Assignments. */
const GLOBAL_V6 = ipaddr.IPv6.parseCIDR("2000::/3");
/** IPv4 behind a translator (RFC 6052): what it reaches is the IPv4 address in the last 32 bits. */
const NAT64 = ipaddr.IPv6.parseCIDR("64:ff9b::/96");
/** A service of Azure's hosts for their guests, at an address that looks public. */
const OF_CLOUDS = ["168.63.129.16"];

/**
 * Whether an address is one of the public Internet: of no private, local, shared, reserved or multicast
 * range, and none that leads to one of these (IPv4 within IPv6, 6to4, Teredo). Any other text is not.
 */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0) return false;
  // IPv4 that is mapped into IPv6 becomes IPv4.
  const address = ipaddr.process(text);
  if (address instanceof ipaddr.IPv4)
    return address.range() === "unicast" && !OF_CLOUDS.includes(address.toString());
  if (address.match(NAT64)) return isPublicAddress(address.toByteArray().slice(-4).join("."));
  return address.range() === "unicast" && address.match(GLOBAL_V6);
}
