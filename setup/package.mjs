import { programOnPath } from "../local/program.mjs";
import { runCommand } from "./command.mjs";
import { SetupError } from "./error.mjs";
import { withoutServiceStarts } from "./no-service.mjs";

/**
 * Installs one Debian package. `service`: the service that the package would start; it is not started.
 *
 * @param {{ what: string, debianPackage: string, isHere: () => boolean, instead: string, service?: string }}
 * wanted
 */
export async function installPackage({ what, debianPackage, isHere, instead, service }) {
  if (programOnPath("apt-get") === undefined) {
    throw new SetupError(`${what} is not here and this system has no apt-get to install it with. ${instead}`);
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      `${what} is not here and installing it needs root: run \`sudo apt-get install ${debianPackage}\`. Or: ${instead}`,
    );
  }
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const wait = ["-o", "DPkg::Lock::Timeout=120"];
  await runCommand("apt-get", ["update", ...wait], { env, advice: instead });
  const install = () =>
    runCommand("apt-get", ["install", "-y", "--no-install-recommends", debianPackage, ...wait], {
      env,
      advice: instead,
    });
  await (service === undefined ? install() : withoutServiceStarts(service, install));
  if (!isHere()) {
    throw new SetupError(
      `apt-get installed ${debianPackage}, but ${what} is not where it belongs. ${instead}`,
    );
  }
}
