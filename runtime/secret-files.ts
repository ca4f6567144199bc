import { SECRET_SETTINGS, URL_SETTINGS } from "./secret-settings.ts";
import { settingOf } from "./setting.ts";
import { readSmallFileSync, UnreadableFile } from "./small-file.ts";
import { UserError } from "./user-error.ts";

type Environment = Record<string, string | undefined>;

/** What is appended to a setting's name where a file holds its value. */
const SUFFIX = "_FILE";
/** The longest value that a file may hold: far longer than any secret, and no accident fills the memory. */
const BYTES_MAX = 64 * 1024;

/** The secret settings of the service; `coupon` has settings of its own. */
const FROM_FILES = [...URL_SETTINGS, ...SECRET_SETTINGS].filter((name) => !name.startsWith("COUPON_"));

/**
 * The environment with each secret that `NAME_FILE` names read from that file, as Docker and Kubernetes mount
 * secrets: other processes of the user, and crash reports, can see an environment, and no such file. The
 * result must not be passed on to a child process.
 * @throws UserError naming each setting whose file cannot be read, never a value
 */
export function withSecretFiles(env: Readonly<Environment>): Environment {
  const settings: Environment = { ...env };
  const wrong: string[] = [];
  for (const name of FROM_FILES) {
    const file = `${name}${SUFFIX}`;
    const path = settingOf(env, file);
    delete settings[file];
    if (path === undefined) continue;
    if (settingOf(env, name) !== undefined) {
      wrong.push(`${name} and ${file} are both set: set one of them`);
      continue;
    }
    const read = readSecret(path);
    if (typeof read === "string") wrong.push(`${file}: ${read}`);
    else settings[name] = read.value;
  }
  if (wrong.length > 0) throw new UserError(`configuration: ${wrong.join("; ")}`);
  return settings;
}

/** The value, or what is wrong with the file. The path is not repeated: it may be the secret, by mistake. */
function readSecret(path: string): { readonly value: string } | string {
  let value: string;
  try {
    value = readSmallFileSync(path, BYTES_MAX).toString("utf8");
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    return `the file that it names ${error.message}`;
  }
  return settingOf({ value }, "value") === undefined ? "the file that it names is empty" : { value };
}
