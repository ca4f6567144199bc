/**
 * `node --import tsx bench/limits.ts [OTHER]`: what limits cost in processor time of the service, and what
 * claims take beside a crowd of look-ups; with the folder of another checkout, the crowd beside that one's
 * service, too. Rounds in turn. Prints figures and judges none; under a minute for each part.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createHttpClient } from "../callers/http-client.ts";
import { freePort } from "../local/free-port.ts";
import { repositoryDir } from "../local/repository.ts";
import { startService } from "../local/service-process.ts";
import { createOpenCampaign } from "../tests/support/campaign.ts";
import { connectClients } from "../tests/support/clients.ts";
import { startStackAlone } from "../tests/support/stack-alone.ts";
import { interleaved, median, ratioText } from "./rates/compare.ts";
import { cpuSeconds } from "./rates/ground.ts";

const [ROUNDS, CLAIMS, IN_FLIGHT] = [7, 3_000, 32];
const [CROWD, CROWD_ROUNDS, CROWD_CLAIMS] = [200, 3, 600];
const alone = await startStackAlone();
const { stack } = alone;
const services: ReturnType<typeof startService>[] = [];

async function serve(settings: Record<string, string>, folder = repositoryDir) {
  const PORT = String(await freePort());
  const url = `http://127.0.0.1:${PORT}`;
  const service = startService({
    ...{ baseUrl: url, entry: join(folder, "server", "main.ts") },
    env: {
      ...{ REDIS_URL: stack.redis.url, MONGODB_URL: stack.mongodb.url, PORT, LOG_LEVEL: "warn" },
      ...{ GRPC_PORT: String(await freePort()), OPERATOR_TOKEN: "a-token-of-the-benchmark", ...settings },
    },
  });
  services.push(service);
  await service.waitForHttp("/readyz", 60_000);
  return { url, port: PORT, pid: service.pid };
}

/** Claims by new users. @returns the time of each, in ms */
async function claim(url: string, campaignId: string, prefix: string, count: number, inFlight: number) {
  const client = createHttpClient(url, inFlight, "userId");
  const tookMs: number[] = [];
  let at = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (at < count) {
        at += 1;
        const beganMs = performance.now();
        await client.ask(campaignId, `${prefix}-${at}`, 30_000);
        tookMs.push(performance.now() - beganMs);
      }
    }),
  );
  client.close();
  return tookMs;
}

const percentile = (of: readonly number[], share: number) =>
  [...of].sort((a, b) => a - b)[Math.floor(share * of.length)] ?? Number.NaN;

try {
  const far = { LIMIT_USER: "20/10", LIMIT_ADDRESS: "1000000/1", LIMIT_KEY: "1000000/1" };
  const each = {
    off: await serve({}),
    limits: await serve(far),
    shared: await serve({ ...far, LIMITS_SHARED: "on" }),
  };
  const clients = connectClients(each.off.url, { token: "a-token-of-the-benchmark" });
  for (const kind of ["claims", "refusals"] as const) {
    const total = kind === "claims" ? 3 * (ROUNDS + 1) * CLAIMS : 1;
    const campaignId = await createOpenCampaign(clients, { total });
    const runs: Record<string, (round: number) => Promise<number>> = {};
    for (const [mode, { url, pid }] of Object.entries(each)) {
      runs[mode] = async (round) => {
        const began = cpuSeconds(pid);
        await claim(url, campaignId, `${mode}-${round}`, CLAIMS, IN_FLIGHT);
        return ((cpuSeconds(pid) - began) / CLAIMS) * 1_000_000;
      };
      await runs[mode]?.(ROUNDS);
    }
    const costs = await interleaved(ROUNDS, runs);
    for (const [mode, of] of Object.entries(costs)) {
      const ratio = ratioText(of, costs["off"] ?? [], "off");
      process.stdout.write(`${kind.padEnd(9)} ${mode.padEnd(7)} ${Math.round(median(of))} µs  ${ratio}\n`);
    }
  }

  const [, , other] = process.argv;
  const beside = { here: each.off, ...(other === undefined ? {} : { other: await serve({}, other) }) };
  const total = (CROWD_ROUNDS + 1) * CROWD_CLAIMS * 4;
  const campaignId = await createOpenCampaign(clients, { total });
  for (let round = 0; round < CROWD_ROUNDS; round++) {
    for (const [name, { url, port }] of Object.entries(beside)) {
      const quiet = await claim(url, campaignId, `quiet-${name}-${round}`, CROWD_CLAIMS, 8);
      const crowd = spawn(process.execPath, [
        ...[join(repositoryDir, "bench", "look-up-crowd.mjs"), port, campaignId, String(CROWD)],
      ]);
      let answers = 0;
      crowd.stdout.on("data", (text: Buffer) => {
        answers = Number(text.toString().trim().split("\n").at(-1));
      });
      await once(crowd.stdout, "data");
      const crowded = await claim(url, campaignId, `crowd-${name}-${round}`, CROWD_CLAIMS, 8);
      crowd.kill();
      await once(crowd, "exit");
      const of = (all: readonly number[]) =>
        `p50 ${percentile(all, 0.5).toFixed(1)} ms, p99 ${percentile(all, 0.99).toFixed(1)} ms`;
      process.stdout.write(
        `${name.padEnd(5)} claims alone ${of(quiet)}; beside ${CROWD} connections of look-ups (${answers}/s) ${of(crowded)}\n`,
      );
    }
  }
} finally {
  for (const service of services) await service.stop();
  await alone.end();
}
