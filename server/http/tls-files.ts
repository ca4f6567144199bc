import type { Cancel, Clock } from "../../runtime/clock.ts";
import type { Config } from "../../runtime/config.ts";
import { frontsOf } from "../../runtime/listeners.ts";
import type { Logger } from "../../runtime/logger.ts";
import { type TlsFiles, tlsFilesOf } from "../../runtime/tls-settings.ts";
import { isSameMaterial, readTlsMaterial, type TlsCredentials, tlsCredentialsOf } from "./tls-credentials.ts";

/** How often the files are looked at: a certificate is replaced days before it expires. */
export const TLS_LOOK_EVERY_MS = 5_000;

export type TlsWatch = { stop(): void };

export type TlsWatchDeps = {
  readonly files: TlsFiles;
  /** What the port was opened with. */
  readonly first: TlsCredentials;
  readonly renew: (credentials: TlsCredentials) => void;
  readonly clock: Clock;
  readonly logger: Logger;
};

/**
 * Takes new certificates and keys from the files without closing a connection. The contents decide, not the
 * time of the files: Kubernetes replaces a folder of links. Files that are wrong are said once and not used.
 */
export function watchTlsFiles({ files, first, renew, clock, logger }: TlsWatchDeps): TlsWatch {
  let { material } = first;
  let trouble = "";
  let looks = 0;
  let cancel: Cancel = () => undefined;
  let isStopped = false;

  /** Both files are replaced one after the other: only what is wrong twice in a row is wrong. */
  function note(why: string): void {
    looks = why === trouble ? looks + 1 : 1;
    trouble = why;
    if (why !== "" && looks === 2)
      logger.error({ why }, "TLS: the files have changed and are wrong; the old ones stay");
  }

  async function look(): Promise<void> {
    const now = await readTlsMaterial(files);
    if (isStopped || isSameMaterial(now, material)) return;
    const credentials = tlsCredentialsOf(now);
    renew(credentials);
    material = now;
    logger.info(expiryOf(credentials), "TLS: the certificate was replaced");
    warnOfExpiry(credentials, clock, logger);
  }

  function next(): void {
    cancel = clock.after(TLS_LOOK_EVERY_MS, () => {
      const told = look().then(
        () => note(""),
        (error: unknown) => note(error instanceof Error ? error.message : String(error)),
      );
      void told.then(() => {
        if (!isStopped) next();
      });
    });
  }
  warnOfExpiry(first, clock, logger);
  next();
  return {
    stop() {
      isStopped = true;
      cancel();
    },
  };
}

/** @throws UserError where a file of TLS is wrong: before a store is connected or a worker started */
export async function checkTlsFiles(config: Config): Promise<void> {
  if (!config.ROLES.includes("server")) return;
  for (const { parts } of frontsOf(config)) await openTlsFiles(tlsFilesOf(config, !parts.includes("public")));
}

/** undefined: no TLS. @throws UserError naming the setting whose file is wrong */
export async function openTlsFiles(files: TlsFiles | undefined): Promise<TlsCredentials | undefined> {
  return files === undefined ? undefined : tlsCredentialsOf(await readTlsMaterial(files));
}

const expiryOf = ({ expiresAtMs }: TlsCredentials) => ({ expiresAt: new Date(expiresAtMs).toISOString() });

function warnOfExpiry(credentials: TlsCredentials, clock: Pick<Clock, "now">, logger: Logger): void {
  if (credentials.expiresAtMs <= clock.now())
    logger.warn(expiryOf(credentials), "TLS: the certificate has expired; callers refuse it");
}
