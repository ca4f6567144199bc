/** `npm start`: the whole service, on stores that the environment names or that are started here. */
import { readConfig } from "../runtime/config.ts";
import { withSecretFiles } from "../runtime/secret-files.ts";
import { EXIT, UserError } from "../runtime/user-error.ts";
import { type Ground, runService } from "../server/service.ts";
import { startStack } from "./stack.ts";
import { stackSettings } from "./stack-settings.ts";
import { LocalStackError } from "./store.ts";
import { haveWebPages } from "./web-pages.ts";

await runService("npm start --", process.argv.slice(2), layGround);

async function layGround(flags: Readonly<Record<string, string | undefined>>): Promise<Ground> {
  const env = withSecretFiles(process.env);
  const settings = stackSettings(env);
  // A wrong setting is reported before a store is started.
  const { START_DEADLINE_MS } = readConfig(
    { ...env, REDIS_URL: "redis://local", MONGODB_URL: "mongodb://local" },
    flags,
  );
  try {
    const say = (text: string) => void process.stderr.write(`${text}\n`);
    const stack = await startStack({
      ...settings,
      withPassword: true,
      givenWithinMs: START_DEADLINE_MS,
      onStart: (kind) => say(`starting ${kind === "redis" ? "Redis" : "MongoDB"} …`),
    });
    await haveWebPages(say).catch(async (error: unknown) => {
      await stack.stop();
      throw error;
    });
    if (stack.joined) say(`using the stores that already run on ${stack.dataDir}`);
    // The secrets in files stay there: workers get this environment, and read the files themselves.
    const stores = {
      ...{ REDIS_URL: stack.redis.url, MONGODB_URL: stack.mongodb.url },
      ...{ REDIS_URL_FILE: "", MONGODB_URL_FILE: "" },
    };
    return {
      env: { LOG_FORMAT: "text", GRPC_REFLECTION: "on", ...process.env, ...stores },
      release: () => stack.stop(),
    };
  } catch (error) {
    if (!(error instanceof LocalStackError)) throw error;
    // A wrong setting: the same error as the service itself throws.
    if (error.cause instanceof UserError) throw error.cause;
    throw new UserError(error.message, EXIT.storeUnavailable, { cause: error });
  }
}
