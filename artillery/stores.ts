import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryDir } from "../local/repository.ts";

export type StoreUrls = { readonly redisUrl: string; readonly mongodbUrl: string; readonly from: string };

/**
 * The addresses of the service's stores: from the environment, else from the local stack's own record.
 * undefined: neither has both.
 */
export function findStores(env: Record<string, string | undefined>): StoreUrls | undefined {
  const { REDIS_URL: redisUrl, MONGODB_URL: mongodbUrl } = env;
  if (redisUrl && mongodbUrl) return { redisUrl, mongodbUrl, from: "REDIS_URL and MONGODB_URL" };
  const file = join(env["LOCAL_DATA_DIR"] || join(repositoryDir, ".local", "data"), "stack.json");
  try {
    const { stores } = JSON.parse(readFileSync(file, "utf8")) as {
      stores?: { redis?: { url?: string }; mongodb?: { url?: string } };
    };
    const redis = stores?.redis?.url;
    const mongodb = stores?.mongodb?.url;
    return redis && mongodb ? { redisUrl: redis, mongodbUrl: mongodb, from: file } : undefined;
  } catch {
    return undefined;
  }
}
