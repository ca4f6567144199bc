/** `npm start`: the whole service, on stores that the environment names or that are started here. */
import { join } from "node:path";
import { EXIT, UserError } from "../runtime/user-error.ts";
import { type Ground, runService } from "../server/service.ts";
import { portFrom } from "./port-setting.ts";
import { repositoryDir } from "./repository.ts";
import { startStack } from "./stack.ts";
import { LocalStackError } from "./store.ts";

await runService("npm start --", process.argv.slice(2), layGround);

async function layGround(): Promise<Ground> {
  const { env } = process;
  try {
    const say = (text: string) => void process.stderr.write(`${text}\n`);
    const stack = await startStack({
      dataDir: env["LOCAL_DATA_DIR"] || join(repositoryDir, ".local", "data"),
      redisUrl: env["REDIS_URL"] || undefined,
      mongodbUrl: env["MONGODB_URL"] || undefined,
      redisPort: portFrom(env, "LOCAL_REDIS_PORT"),
      mongodbPort: portFrom(env, "LOCAL_MONGODB_PORT"),
      onStart: (kind) => say(`starting ${kind === "redis" ? "Redis" : "MongoDB"} …`),
    });
    if (stack.joined) say(`using the stores that already run on ${stack.dataDir}`);
    const stores = { REDIS_URL: stack.redis.url, MONGODB_URL: stack.mongodb.url };
    return { env: { LOG_FORMAT: "text", ...env, ...stores }, release: () => stack.stop() };
  } catch (error) {
    if (!(error instanceof LocalStackError)) throw error;
    throw new UserError(error.message, EXIT.storeUnavailable, { cause: error });
  }
}
