import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ChannelModel, connect } from "amqplib";
import { endChild, hasExited, inheritedEnvironment, killChild, spawnKept } from "../../local/child.ts";
import { freePort } from "../../local/free-port.ts";
import { until } from "../../local/poll.ts";
import { rabbitMqProgram } from "../../setup/rabbitmq.mjs";
import type { Certificates } from "./certificates.ts";
import { HANG_MS } from "./patience.ts";
import { temporaryDir } from "./temporary-dir.ts";

/** Debian's RabbitMQ as one node on a port of its own, in a folder of its own, on loopback alone. */
export type RabbitMq = {
  readonly pid: number;
  readonly port: number;
  /** 0: there is none. */
  readonly tlsPort: number;
  /** As `guest`, of the virtual host `/`. */
  readonly url: string;
  readonly isRunning: () => boolean;
  /** SIGKILL; what it has not written is gone. */
  kill(): Promise<void>;
  /** On the same data, until it takes connections. */
  start(): Promise<void>;
  /** Runs `rabbitmqctl` with these arguments; takes seconds. @throws with its words where it fails */
  ctl(...args: string[]): Promise<string>;
  /** A connection of a test, closed with the broker. */
  connect(): Promise<ChannelModel>;
  close(): Promise<void>;
};

export type RabbitMqOptions = {
  /** Files of its certificate: it then has a port for TLS, too. */
  readonly tls?: Certificates;
  /** A command that is put before the program's own, and that becomes it: `nice -n 19`. */
  readonly through?: readonly string[];
};

export async function startRabbitMq({ tls, through = [] }: RabbitMqOptions = {}): Promise<RabbitMq> {
  const dir = temporaryDir();
  const [port, epmdPort, distPort] = [await freePort(), await freePort(), await freePort()];
  const tlsPort = tls === undefined ? 0 : await freePort();
  const at = (name: string) => join(dir.path, name);
  mkdirSync(at("home"));
  writeFileSync(at("enabled_plugins"), "[].\n");
  const configuration = [
    ...[`listeners.tcp.1 = 127.0.0.1:${port}`, "log.console = true", "log.file = false"],
    ...["log.console.level = warning", "loopback_users.guest = true"],
    ...(tls === undefined ? [] : tlsConfiguration(tlsPort, tls)),
  ];
  writeFileSync(at("rabbitmq.conf"), `${configuration.join("\n")}\n`);
  const env = {
    ...inheritedEnvironment(),
    // Erlang keeps its cookie there.
    HOME: at("home"),
    // The start script becomes the node, so that its pid is that of the node.
    RUNNING_UNDER_SYSTEMD: "true",
    RABBITMQ_NODENAME: `test-${port}@localhost`,
    RABBITMQ_CONFIG_FILE: at("rabbitmq.conf"),
    RABBITMQ_CONF_ENV_FILE: "/dev/null",
    RABBITMQ_ENABLED_PLUGINS_FILE: at("enabled_plugins"),
    RABBITMQ_MNESIA_BASE: at("data"),
    RABBITMQ_LOG_BASE: at("log"),
    RABBITMQ_PID_FILE: at("pid"),
    RABBITMQ_DIST_PORT: String(distPort),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    // Two threads that wait without turning; epmd is a child of ours, which ends with us.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
  };
  const epmd = spawnKept("epmd", ["-port", String(epmdPort), "-address", "127.0.0.1"], {
    env,
    stdio: "ignore",
  });
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const connections = new Set<ChannelModel>();
  let said = "";
  let child = spawnNode();

  function spawnNode() {
    const program = rabbitMqProgram("rabbitmq-server");
    const [command = program, ...rest] = [...through, program];
    const spawned = spawnKept(command, rest, {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [spawned.stdout, spawned.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        said = `${said}${text}`.slice(-20_000);
      });
    return spawned;
  }

  async function isServing(): Promise<boolean> {
    try {
      await (await connect(url)).close();
      return true;
    } catch {
      return false;
    }
  }

  async function untilServing(): Promise<void> {
    await until(async () => hasExited(child) || (await isServing()), HANG_MS, 50);
    if (hasExited(child) || !(await isServing())) {
      await close();
      throw new Error(`RabbitMQ does not start: ${said}`);
    }
  }

  async function close(): Promise<void> {
    await Promise.allSettled([...connections].map((connection) => connection.close()));
    await killChild(child);
    await endChild(epmd, HANG_MS);
    dir.remove();
  }

  await untilServing();
  return {
    get pid() {
      return child.pid ?? 0;
    },
    port,
    tlsPort,
    url,
    isRunning: () => !hasExited(child),
    kill: () => killChild(child),
    async start() {
      child = spawnNode();
      await untilServing();
    },
    ctl: (...args) => run(rabbitMqProgram("rabbitmqctl"), ["--node", env.RABBITMQ_NODENAME, ...args], env),
    async connect() {
      const connection = await connect(url, { noDelay: true });
      connection.on("error", () => undefined);
      connections.add(connection);
      connection.on("close", () => connections.delete(connection));
      return connection;
    },
    close,
  };
}

function tlsConfiguration(port: number, { caFile, certFile, keyFile }: Certificates): string[] {
  return [
    `listeners.ssl.1 = 127.0.0.1:${port}`,
    ...[`ssl_options.cacertfile = ${caFile}`, `ssl_options.certfile = ${certFile}`],
    ...[`ssl_options.keyfile = ${keyFile}`, "ssl_options.verify = verify_none"],
  ];
}

function run(program: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(said) : reject(new Error(`rabbitmqctl ${args.join(" ")}: ${said}`)),
    );
  });
}
