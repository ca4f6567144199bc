import { runService } from "./service.ts";

/** The service on stores that the environment names. */
await runService("npm run start:production --", process.argv.slice(2), async () => ({
  env: process.env,
  release: async () => undefined,
}));
