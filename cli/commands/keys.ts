import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import { makeSigningKey } from "../../proof/signing-key.ts";
import { OPERATOR_KEY_PREFIX } from "../../runtime/hashed-key-settings.ts";
import {
  isOperatorName,
  OPERATOR_KEY_LENGTH_MIN,
  OPERATOR_NAME_RULE,
  OPERATOR_ROLES,
  type OperatorRole,
  operatorKeyLine,
} from "../../runtime/operator-settings.ts";
import { createPrivateFile } from "../../runtime/private-file.ts";
import { isSendable, SENDABLE, withoutLineEnd } from "../../runtime/setting.ts";
import type { Action, Input } from "../command.ts";
import { orUserError } from "../file-trouble.ts";
import { factLines, printable } from "../render.ts";
import type { LocalSession } from "../session.ts";
import { UserError } from "../user-error.ts";

/** 256 bits: a hash of it needs no salt, and no attempt finds it. */
const keyBytes = 32;
const maxInputBytes = 4_096;

export const action: Action<LocalSession> = {
  async run(session, input) {
    const { output, stdin } = session;
    const { argument } = input;
    if (argument === "certificate") return makeCertificateKey(session, input);
    if (argument !== "create" && argument !== "hash") {
      throw new UserError(`"${argument}" is nothing that keys can do`, {
        hint: "give create, hash or certificate",
      });
    }
    if (input.text("--out") !== undefined) throw new UserError("--out goes with certificate only");
    const name = nameIn(input);
    const role = roleIn(input);
    const made =
      argument === "create" ? OPERATOR_KEY_PREFIX + randomBytes(keyBytes).toString("base64url") : undefined;
    const line = operatorKeyLine(name, role, made ?? (await keyFrom(stdin)));
    if (output.json) {
      await output.write(
        `${JSON.stringify({ name, role, ...(made === undefined ? {} : { key: made }), line })}\n`,
      );
      return;
    }
    const shown: [string, string][] = made === undefined ? [] : [["key, shown once", made]];
    await output.write(factLines([...shown, ["for OPERATOR_KEYS", line]]));
  },
};

/** Never over a file that is there: certificates of its key could not be made any more. */
async function makeCertificateKey({ output }: LocalSession, input: Input): Promise<void> {
  const path = input.requiredText("--out");
  for (const flag of ["--name", "--role"])
    if (input.text(flag) !== undefined) throw new UserError(`${flag} does not go with certificate`);
  const { pem, publicKey } = makeSigningKey();
  const handle = await orUserError(path, () => createPrivateFile(path), "--out");
  try {
    await orUserError(path, () => handle.writeFile(pem), "--out");
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (output.json) await output.write(`${JSON.stringify({ file: path, publicKey })}\n`);
  else {
    const facts = [
      ["for CERTIFICATE_KEY_FILE", printable(path)],
      ["public key, to publish", publicKey],
    ] satisfies [string, string][];
    await output.write(factLines(facts));
  }
}

function nameIn(input: Input): string {
  const name = input.requiredText("--name");
  if (isOperatorName(name)) return name;
  throw new UserError(`--name: "${name}" cannot be the name of an operator`, {
    hint: `give ${OPERATOR_NAME_RULE}`,
  });
}

function roleIn(input: Input): OperatorRole {
  const given = input.requiredText("--role");
  const role = OPERATOR_ROLES.find((known) => known === given);
  if (role !== undefined) return role;
  throw new UserError(`--role: "${given}" is no role`, { hint: `give ${OPERATOR_ROLES.join(", ")}` });
}

/** Not from an argument: other users of the machine can see those. */
async function keyFrom(stdin: Readable): Promise<string> {
  let text = "";
  for await (const part of stdin) {
    text += String(part);
    if (text.length > maxInputBytes) break;
  }
  const key = withoutLineEnd(text);
  if (key.length >= OPERATOR_KEY_LENGTH_MIN && key.length <= maxInputBytes && isSendable(key)) return key;
  throw new UserError(
    `the key on standard input must be ${OPERATOR_KEY_LENGTH_MIN} to ${maxInputBytes} ${SENDABLE}`,
    { hint: "coupon keys create makes a new one" },
  );
}
