import { type MongoClient, MongoServerError, MongoServerSelectionError } from "mongodb";
import { EXIT, UserError } from "../runtime/user-error.ts";

export type Asked = {
  /** One or more `host:port`, separated by commas. */
  readonly hosts: string;
  readonly namesUser: boolean;
  readonly isTls: boolean;
  readonly database: string;
};

export function askedOf(client: MongoClient, database: string): Asked {
  const { hosts, srvHost, credentials, tls } = client.options;
  const namesUser = credentials !== undefined;
  return { hosts: srvHost ?? hosts.map(String).join(","), namesUser, isTls: tls === true, database };
}

/**
 * Error codes of MongoDB. Source: github.com/mongodb/mongo, src/mongo/base/error_codes.yml; 8000 is a code of
 * Atlas.
 */
const UNAUTHORIZED = 13;
const AUTHENTICATION_FAILED = [18, 8000];
const INDEX_DIFFERS = [85, 86];
const CANNOT_CREATE_INDEX = 67;
const DUPLICATE_KEY = 11000;

type Judgment = { readonly what: string; readonly hint: string; readonly exitCode: number };

/**
 * Why MongoDB cannot be used, and what the person who starts the service can do about it. A wrong setting is
 * EXIT.configuration: the same start would fail again. A MongoDB that does not run or is not ready is
 * EXIT.storeUnavailable: a later start may succeed.
 */
export function mongoTrouble(error: unknown, asked: Asked): UserError {
  const { what, hint, exitCode } =
    judgeAnswer(error, asked) ?? judgeConnection(error, asked) ?? unknownTrouble(error, asked.hosts);
  return new UserError(`${what}: ${hint}`, exitCode, { cause: error });
}

/**
 * Why a sharded cluster cannot be used; undefined: it can. `sharded`: the collections that are sharded and
 * must not be; undefined: the user may not read it.
 */
export function shardingTrouble(
  sharded: readonly string[] | undefined,
  { hosts, database }: Asked,
): UserError | undefined {
  if (sharded === undefined)
    return new UserError(
      `it cannot be read whether the database "${database}" at ${hosts}, a mongos, has sharded campaigns, coupons or issuances: ` +
        `grant the user of MONGODB_URL collStats on "${database}" (readWrite has it)`,
      EXIT.configuration,
    );
  if (sharded.length === 0) return undefined;
  return new UserError(
    `MongoDB at ${hosts} has sharded ${sharded.join(" and ")}: over several shards it does not hold both a code and a claim key to be unique. ` +
      "Move it back to one shard (sh.unshardCollection, from MongoDB 8.0 on), or give another MONGODB_DATABASE; " +
      "docs/operations.md says why one shard is enough",
    EXIT.configuration,
  );
}

/** Judges the error reply of a MongoDB that was reached. */
function judgeAnswer(error: unknown, { hosts, namesUser, database }: Asked): Judgment | undefined {
  const answer = causesOf(error).find((cause) => cause instanceof MongoServerError);
  if (answer === undefined) return undefined;
  const { code } = answer;
  const wrong = (what: string, hint: string): Judgment => ({ what, hint, exitCode: EXIT.configuration });
  if (AUTHENTICATION_FAILED.includes(Number(code))) {
    return wrong(
      `MongoDB at ${hosts} does not accept the user and password (${answer.message})`,
      "correct them in MONGODB_URL; if the user belongs to another database, add authSource",
    );
  }
  if (code === UNAUTHORIZED) {
    return namesUser
      ? wrong(
          `the user of MONGODB_URL may not use the database "${database}" at ${hosts} (${answer.message})`,
          `grant it readWrite on "${database}", or give another MONGODB_DATABASE`,
        )
      : wrong(
          `MongoDB at ${hosts} wants a user and password (${answer.message})`,
          "give them in MONGODB_URL, as in mongodb://user:password@host",
        );
  }
  if (INDEX_DIFFERS.includes(Number(code))) {
    return wrong(
      `the database "${database}" at ${hosts} has another index of the same name (${answer.message})`,
      "it is of another application or version: give another MONGODB_DATABASE, or remove that index",
    );
  }
  if (code === CANNOT_CREATE_INDEX) {
    return wrong(
      `the database "${database}" at ${hosts} refuses an index that the service needs (${answer.message})`,
      "of its collections only history may be sharded, by {campaignId: 1}",
    );
  }
  if (code === DUPLICATE_KEY) {
    return wrong(
      `the database "${database}" at ${hosts} holds what cannot be unique (${answer.message})`,
      "without its unique indexes nothing may start: see to the documents that are named, or give another MONGODB_DATABASE",
    );
  }
  return undefined;
}

/** Judges why no MongoDB was reached, from the errors of its connections. */
function judgeConnection(error: unknown, { hosts, isTls }: Asked): Judgment | undefined {
  const causes = causesOf(error);
  const has = (pattern: RegExp) => causes.some((cause) => pattern.test(`${codeOf(cause)} ${cause.message}`));
  const said = saidBy(error);
  const wrong = (hint: string): Judgment => ({
    what: `no connection to MongoDB at ${hosts} (${said})`,
    hint,
    exitCode: EXIT.configuration,
  });
  const absent = (hint: string): Judgment => ({
    what: `no MongoDB at ${hosts} (${said})`,
    hint,
    exitCode: EXIT.storeUnavailable,
  });
  if (has(/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/))
    return wrong("renew its certificate, or set the clock of this machine");
  if (has(/ERR_TLS_CERT_ALTNAME_INVALID/))
    return wrong("give in MONGODB_URL the name that its certificate is for");
  if (has(/SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/))
    return wrong("give the file of its certificate's authority with tlsCAFile in MONGODB_URL");
  if (has(/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|EPROTO/)) {
    return wrong("it does not answer in TLS: leave tls=true out of MONGODB_URL, or see to its TLS");
  }
  if (
    has(/'secureConnect' timed out/) ||
    (isTls && has(/connection \d+ to .* closed|ECONNRESET|EPIPE|before secure TLS/))
  ) {
    return absent(
      "it does not answer in TLS: leave tls=true out of MONGODB_URL, or see to its TLS; START_DEADLINE_MS says how long it may take",
    );
  }
  if (has(/ENOTFOUND|EAI_AGAIN|ENODATA|querySrv/)) {
    return absent("there is no such host in this network: correct MONGODB_URL, or see to the name service");
  }
  if (has(/ECONNREFUSED/)) {
    return absent(
      isHere(hosts)
        ? "start one, or give its address in MONGODB_URL"
        : "see that it runs there and listens for other hosts, or correct MONGODB_URL",
    );
  }
  if (has(/EHOSTUNREACH|ENETUNREACH/)) return absent("see to the network between here and there");
  if (error instanceof MongoServerSelectionError && error.reason?.type === "ReplicaSetNoPrimary") {
    return absent(
      "its replica set has no primary that could be reached: see to the set, or to replicaSet and the hosts in MONGODB_URL",
    );
  }
  if (has(/connection \d+ to .* closed|ECONNRESET|EPIPE/)) {
    return absent(
      "it ends the connection: if it wants TLS, add tls=true to MONGODB_URL; else its log says why",
    );
  }
  return undefined;
}

/** Any other failure: most often a time-out. */
function unknownTrouble(error: unknown, hosts: string): Judgment {
  return {
    what: `no MongoDB at ${hosts} (${saidBy(error)})`,
    hint: "see that it answers there, or correct MONGODB_URL; START_DEADLINE_MS says how long it may take",
    exitCode: EXIT.storeUnavailable,
  };
}

const CAUSES_MAX = 20;

/** The error, its causes, and the error of each host that the driver tried. */
function causesOf(error: unknown): Error[] {
  const found: Error[] = [];
  const left = [error];
  while (left.length > 0 && found.length < CAUSES_MAX) {
    const current = left.shift();
    if (!(current instanceof Error)) continue;
    found.push(current);
    left.push(current.cause);
    if (current instanceof MongoServerSelectionError) {
      for (const { error: ofHost } of current.reason?.servers.values() ?? []) left.push(ofHost);
    }
  }
  return found;
}

function saidBy(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : "";
}

function isHere(hosts: string): boolean {
  return hosts.split(",").every((host) => /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(host));
}
