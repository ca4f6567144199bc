import { rootCertificates } from "node:tls";
import { readSmallFileSync } from "../runtime/small-file.ts";
import { UserError } from "../runtime/user-error.ts";
import type { RedisAddress, RedisTls } from "./redis-url.ts";

/** A bundle of authorities has a few hundred kilobytes. */
const BYTES_MAX = 1024 * 1024;

/**
 * The options of node-redis with user, password, database and TLS of an address. The files of TLS are read
 * for each client anew: a certificate that was replaced is used by the next connection.
 * @throws UserError naming the option whose file cannot be read
 */
export function credentialsOf({ username, password, tls, database }: RedisAddress) {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(database === 0 ? {} : { database }),
    socket: tls === undefined ? {} : ({ tls: true, ...tlsOptions(tls) } as const),
  };
}

function tlsOptions({ ca, cert, key, servername }: RedisTls) {
  return {
    // Node's own authorities stay: `ca` would replace them.
    ...(ca === undefined ? {} : { ca: [...rootCertificates, read("ca", ca)] }),
    ...(cert === undefined || key === undefined ? {} : { cert: read("cert", cert), key: read("key", key) }),
    ...(servername === undefined ? {} : { servername }),
  };
}

function read(option: keyof RedisTls, path: string): Buffer {
  try {
    return readSmallFileSync(path, BYTES_MAX);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`configuration: REDIS_URL: the file of its option ${option} ${why}`, undefined, {
      cause: error,
    });
  }
}
