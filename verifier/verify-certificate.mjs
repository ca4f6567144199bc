#!/usr/bin/env node
// Checks a certificate, a proof, a receipt or a commitment, off-line: docs/proof.md. This folder imports
// nothing but node:crypto and node:fs, so it can be copied alone and read in an hour.
import { createReadStream, readFileSync } from "node:fs";
import { nodeTools } from "./node-tools.mjs";
import { verifyFile } from "./verify.mjs";

const USAGE = `usage: verify-certificate FILE [options]
FILE is a certificate, a proof, a receipt or a commitment. Asks nobody: everything is in the file.
  --public-key KEY     the key that the operator published (base64url): a file with another one is refused
  --commitment FILE    a commitment that was saved before the start: a certificate without it is refused
  --certificate FILE   of a receipt: check whether the two agree
  --tolerance MS       how far the clocks of the two may be apart (default: 2000)
  --code CODE          of a proof: check that it is of this code
  --user ID            of a proof or a receipt: check that it is of this user id
  --request ID         of a proof or a receipt: likewise of this request id, of the user where both are given
  --json               the verdict as one line of JSON
Exit code: 0 it holds, 1 it is refused, 2 it could not be checked.
`;

const OPTIONS = [
  "--public-key",
  "--commitment",
  "--certificate",
  "--tolerance",
  "--code",
  "--user",
  "--request",
];
const read = (/** @type {string} */ path) => createReadStream(path, { highWaterMark: 1 << 20 });

/** @param {string} text */
function giveUp(text) {
  process.stderr.write(`verify-certificate: ${text}\n`);
  process.exit(2);
}

/** @param {readonly string[]} args */
function readArguments(args) {
  /** @type {Map<string, string>} */
  const options = new Map();
  const files = [];
  for (let at = 0; at < args.length; at++) {
    const [, name = "", value] = /^(--[a-z-]+)(?:=(.*))?$/s.exec(args[at] ?? "") ?? [];
    if (name === "--help") {
      process.stdout.write(USAGE);
      process.exit(0);
    } else if (name === "--json") options.set(name, "");
    else if (OPTIONS.includes(name))
      options.set(name, value ?? args[++at] ?? giveUp(`${name} needs a value`) ?? "");
    else if (name !== "" || args[at] === "-h") giveUp(`${args[at]} is no option\n${USAGE}`);
    else files.push(args[at] ?? "");
  }
  return { options, files };
}

/**
 * Texts from a file or an argument are shown without control characters.
 *
 * @param {string} text
 */
const shown = (text) => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd");

const WHY_UNREAD = new Map([
  ["ENOENT", "there is no such file"],
  ["EISDIR", "it is a folder"],
  ["EACCES", "its permissions forbid it"],
]);

const MARKS = { holds: "ok     ", note: "note   ", refused: "REFUSED" };

const { options, files } = readArguments(process.argv.slice(2));
const [file] = files;
if (file === undefined || files.length > 1) giveUp(`give one file\n${USAGE}`);
try {
  const saved = options.get("--commitment");
  const [publicKey, code] = ["--public-key", "--code"].map((name) => options.get(name));
  const [user, request] = ["--user", "--request"].map((name) => options.get(name));
  const [certificate, tolerance] = ["--certificate", "--tolerance"].map((name) => options.get(name));
  if (tolerance !== undefined && !/^\d{1,9}$/.test(tolerance))
    giveUp("--tolerance is a number of milliseconds");
  const verdict = await verifyFile(read(file ?? ""), nodeTools, {
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(code === undefined ? {} : { code }),
    ...(user === undefined ? {} : { user }),
    ...(request === undefined ? {} : { request }),
    ...(certificate === undefined ? {} : { certificate: read(certificate) }),
    ...(tolerance === undefined ? {} : { toleranceMs: Number(tolerance) }),
    ...(saved === undefined ? {} : { commitment: readFileSync(saved, "utf8").split("\n") }),
  });
  if (options.has("--json")) process.stdout.write(`${JSON.stringify(verdict)}\n`);
  else {
    const of = verdict.campaign === undefined ? "" : ` of campaign ${shown(verdict.campaign)}`;
    process.stdout.write(`${shown(verdict.kind)}${of}\n`);
    for (const { level, reason, text } of verdict.findings)
      process.stdout.write(`${MARKS[level]} ${reason === undefined ? "" : `${reason}: `}${shown(text)}\n`);
    process.stdout.write(verdict.ok ? "it holds\n" : "it is REFUSED\n");
  }
  process.exitCode = verdict.ok ? 0 : 1;
} catch (error) {
  const { code, path, message = String(error) } = Object(error);
  const why = WHY_UNREAD.get(code);
  giveUp(shown(why === undefined ? message : `${path ?? "FILE"} cannot be read: ${why}`));
}
