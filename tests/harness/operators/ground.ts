import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAuditor } from "../../../audit/stores/auditor.ts";
import { createReleases } from "../../../bench/releases.ts";
import { connectClients } from "../../support/clients.ts";
import { createServices } from "../../support/service.ts";
import { openStores } from "../../support/shared-stores.ts";
import type { LifeGround } from "./life.ts";

/**
 * Three processes of the product on real stores: two with all roles, one with the role server only. Logs are
 * searched for secrets at the end.
 */
export async function openLifeGround(): Promise<LifeGround & { close(): Promise<void> }> {
  const releases = createReleases();
  const close = async () => {
    const troubles = await releases.all();
    if (troubles.length > 0) throw new Error(troubles.join("\n"));
  };
  try {
    const stores = await openStores();
    releases.add("the stores", () => stores.close());
    const dir = await mkdtemp(join(tmpdir(), "coupon-operators-"));
    releases.add("the folder of the callers' records", () => rm(dir, { recursive: true, force: true }));
    const { REDIS_URL: redisUrl, MONGODB_URL: mongodbUrl, MONGODB_DATABASE: database } = stores.env;
    const auditor = await openAuditor({ redisUrl, mongodbUrl, database });
    releases.add("the audit", () => auditor.close());
    const services = createServices(stores.env);
    releases.add("the servers", () => services.end());
    const started = await Promise.all([
      services.start(),
      services.start(),
      services.start({ roles: "server" }),
    ]);
    const urls = started.map(({ url }) => url);
    const clients = urls.map((url, i) => connectClients(url, { json: i % 2 === 1 }));
    return { urls, clients, auditor, dir, close };
  } catch (error) {
    await releases.all();
    throw error;
  }
}
