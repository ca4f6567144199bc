/** `npm run stores`: just the stores, until Ctrl-C. stdout is for `eval`, stderr for people. */
import { redactCrashes } from "../runtime/crash.ts";
import { redactorOf } from "../runtime/redactor.ts";
import { withSecretFiles } from "../runtime/secret-files.ts";
import { redactUrls } from "../runtime/url-secrets.ts";
import { UserError } from "../runtime/user-error.ts";
import { visible } from "../runtime/visible.ts";
import { slotsByMaster } from "./redis-group/cluster.ts";
import { startStack } from "./stack.ts";
import { stackSettings } from "./stack-settings.ts";
import { LocalStackError } from "./store.ts";

const KEEP_ALIVE_MS = 60_000;

const USAGE = `usage: npm run stores [-- --redis single|cluster|sentinel]
--redis: one Redis (default), a Redis Cluster of three masters and three replicas, or a master with two replicas and three Sentinels.
LOCAL_DATA_DIR, LOCAL_REDIS_PORT and LOCAL_MONGODB_PORT say where; a REDIS_URL or MONGODB_URL that is set is used instead.
`;

const FORMS = ["single", "cluster", "sentinel"] as const;

const form = readForm(process.argv.slice(2));

let redact = redactorOf(process.env);
redactCrashes((text) => redact(text));
try {
  const settings = withSecretFiles(process.env);
  redact = redactorOf(settings);
  await run(settings);
} catch (error) {
  if (!(error instanceof LocalStackError || error instanceof UserError)) throw error;
  say(redact(error.message));
  process.exitCode = error instanceof UserError ? error.exitCode : 1;
}

/** Ends the process where its arguments are not what it takes. */
function readForm(args: readonly string[]): (typeof FORMS)[number] {
  if (args.length === 0) return "single";
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  const [flag, value, ...more] = args.flatMap((arg) => arg.split(/(?<=^--redis)=/));
  const found = FORMS.find((one) => one === value);
  if (flag === "--redis" && found !== undefined && more.length === 0) return found;
  const strange = flag === "--redis" ? (more[0] ?? value ?? flag) : (flag ?? "");
  process.stderr.write(`unknown argument "${visible(strange)}"\n${USAGE}`);
  process.exit(2);
}

async function run(settings: Readonly<Record<string, string | undefined>>): Promise<void> {
  const ended = firstSignal();
  const stores = stackSettings(settings);
  if (form !== "single" && stores.redisUrl !== undefined) {
    throw new UserError(
      "configuration: REDIS_URL names a Redis, and --redis starts one: leave one of them out",
    );
  }
  const redisGroup = form === "single" ? undefined : form;
  const stack = await startStack({ ...stores, redisGroup, withPassword: true });
  for (const store of [stack.redis, stack.mongodb]) {
    const where = store.dir === undefined ? "" : `, data in ${store.dir}`;
    say(`${store.kind}: ${store.origin} at ${store.host}:${store.port}${where}`);
  }
  const nodes = stack.redisGroup?.nodes ?? [];
  const slots = form === "cluster" ? await slotsByMaster(nodes) : new Map<string, string>();
  for (const node of nodes) {
    // An earlier run may have ended with other roles than it began with.
    const [role] = (await node.ask("ROLE")) as readonly [string];
    const has = slots.has(node.id) ? `, slots ${slots.get(node.id)}` : "";
    say(`  ${role.replace("slave", "replica")} at ${node.host}:${node.port}, pid ${node.pid}${has}`);
  }
  for (const { kind, url, origin } of [stack.redis, stack.mongodb]) {
    const name = kind === "redis" ? "REDIS_URL" : "MONGODB_URL";
    // A given URL that holds a password is not repeated: stdout may be a file, or stay in a terminal's
    // scrollback. The password of a local store opens nothing from elsewhere.
    const told =
      origin !== "given" || redactUrls(url) === url
        ? `export ${name}='${url}'`
        : `# ${name}: as it was given`;
    process.stdout.write(`${told}\n`);
  }
  say("Ctrl-C stops them.");
  const alive = setInterval(() => {}, KEEP_ALIVE_MS); // stores and signal handlers do not keep this running
  const signal = await ended;
  clearInterval(alive);
  say(`${signal}: stopping the stores`);
  await stack.stop();
}

/** Listens from the start, so that a signal during start-up still stops what came up. A second one ends us
 * at once, and the watchdog ends the stores. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
}

function say(words: string): void {
  process.stderr.write(`${words}\n`);
}
