import { existsSync } from "node:fs";
import { programOnPath } from "../local/program.mjs";
import { installPackage } from "./package.mjs";

/** Where Debian installs them; not every user has that folder on PATH. */
const DEBIAN = "/usr/sbin";

/** @param {"ip" | "nft"} name @returns {string | undefined} */
export function networkTool(name) {
  const debian = `${DEBIAN}/${name}`;
  return programOnPath(name) ?? (existsSync(debian) ? debian : undefined);
}

export function areNetworkToolsHere() {
  return networkTool("ip") !== undefined && networkTool("nft") !== undefined;
}

/** `ip` makes network namespaces, `nft` drops packets in them. */
export async function installNetworkTools() {
  const instead = "Install iproute2 and nftables yourself (on PATH). Only `npm run hosts` needs them.";
  const isHere = (/** @type {"ip" | "nft"} */ name) => () => networkTool(name) !== undefined;
  if (!isHere("ip")())
    await installPackage({ what: "ip", debianPackage: "iproute2", isHere: isHere("ip"), instead });
  if (!isHere("nft")())
    await installPackage({
      ...{ what: "nft", debianPackage: "nftables", service: "nftables", isHere: isHere("nft"), instead },
    });
}
