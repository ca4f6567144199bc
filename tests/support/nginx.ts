import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endChild, spawnKept } from "../../local/child.ts";
import { freePort } from "../../local/free-port.ts";
import { until } from "../../local/poll.ts";
import { nginxProgram } from "../../setup/nginx.mjs";
import { HANG_MS } from "./patience.ts";
import { temporaryDir } from "./temporary-dir.ts";

/** Debian's nginx in front of servers on this machine, with a configuration and files of its own. */
export type Nginx = {
  readonly url: string;
  /**
   * For each answered request: the ports that it was passed to, in order, and the status that its caller got.
   */
  passed(): { readonly ports: readonly number[]; readonly status: number }[];
  /** The text of its error log. */
  errors(): string;
  close(): Promise<void>;
};

export type NginxOptions = {
  /** Whether it keeps answers to GetCampaignStatus; each then has the field x-cache: HIT, MISS, EXPIRED, … */
  readonly isCaching?: boolean;
};

/** After so many seconds nginx tries a server again that refused a connection. */
const FAIL_TIMEOUT_S = 1;
/**
 * Connections that it keeps: more than requests under way in any test, as docs/operations.md advises. Fewer
 * mean new connections all the time, and the kernel resets one that comes in the moment in which a port
 * closes.
 */
const KEPT = 128;

/**
 * Keeps connections to the servers, as an nginx under load should; all else is nginx's default. It notices by
 * itself that a server does not listen, never asks /readyz, and sends no POST again once the first has left.
 */
export async function startNginx(
  ports: readonly number[],
  { isCaching = false }: NginxOptions = {},
): Promise<Nginx> {
  const dir = temporaryDir();
  const port = await freePort();
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${join(dir.path, name)};`)
    .join("\n  ");
  const servers = ports
    .map((one) => `server 127.0.0.1:${one} fail_timeout=${FAIL_TIMEOUT_S}s;`)
    .join("\n    ");
  const passing = `proxy_pass http://coupons;
      proxy_http_version 1.1;
      proxy_set_header Connection "";`;
  const caching = isCaching
    ? `location = /coupon.v1.CouponService/GetCampaignStatus {
      ${passing}
      proxy_cache coupons;
      add_header x-cache $upstream_cache_status always;
    }
    `
    : "";
  const cacheAt = isCaching ? `proxy_cache_path ${join(dir.path, "cache")} keys_zone=coupons:1m;\n  ` : "";
  const configuration = join(dir.path, "nginx.conf");
  const errorLog = join(dir.path, "error.log");
  const accessLog = join(dir.path, "access.log");
  writeFileSync(accessLog, "");
  writeFileSync(
    configuration,
    `daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
pid ${join(dir.path, "nginx.pid")};
error_log ${errorLog} error;
events { worker_connections 1024; }
http {
  ${paths}
  ${cacheAt}log_format passed '$upstream_addr|$status';
  access_log ${accessLog} passed;
  upstream coupons {
    ${servers}
    keepalive ${KEPT};
  }
  server {
    listen 127.0.0.1:${port};
    ${caching}location / {
      ${passing}
    }
  }
}
`,
  );
  const program = nginxProgram();
  if (program === undefined) throw new Error("nginx is not here: node setup/setup.mjs --proxy");
  const child = spawnKept(program, ["-e", errorLog, "-p", dir.path, "-c", configuration], {
    stdio: "ignore",
  });
  const url = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  const errors = () => readFileSync(errorLog, "utf8");
  if (!(await until(answers, HANG_MS))) throw new Error(`nginx does not serve: ${errors()}`);
  return {
    url,
    passed: () =>
      readFileSync(accessLog, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => {
          const [addresses = "", status = ""] = line.split("|");
          return {
            ports: (addresses.match(/:\d+/g) ?? []).map((one) => Number(one.slice(1))),
            status: Number(status),
          };
        }),
    errors,
    async close() {
      await endChild(child, 10_000);
      dir.remove();
    },
  };
}
