import { join } from "node:path";
import { settingOf } from "../runtime/setting.ts";
import { mongodbUrlTrouble, redisUrlTrouble } from "../runtime/store-url.ts";
import { UserError } from "../runtime/user-error.ts";
import { portFrom } from "./port-setting.ts";
import { repositoryDir } from "./repository.ts";
import type { StackOptions } from "./stack.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The local stack's settings in the environment. @throws UserError naming the setting that is wrong */
export function stackSettings(env: Environment) {
  return {
    dataDir: settingOf(env, "LOCAL_DATA_DIR") ?? join(repositoryDir, ".local", "data"),
    redisUrl: urlOf(env, "REDIS_URL", redisUrlTrouble),
    mongodbUrl: urlOf(env, "MONGODB_URL", mongodbUrlTrouble),
    redisPort: portFrom(env, "LOCAL_REDIS_PORT"),
    mongodbPort: portFrom(env, "LOCAL_MONGODB_PORT"),
  } satisfies StackOptions;
}

/** The error's message never repeats the value: it may hold a password. */
function urlOf(env: Environment, name: string, troubleOf: (text: string) => string | undefined) {
  const url = settingOf(env, name);
  const trouble = url === undefined ? undefined : troubleOf(url);
  if (trouble !== undefined) throw new UserError(`configuration: ${name}: ${trouble}`);
  return url;
}
