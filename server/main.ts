import { runService } from "./service.ts";

/** Runs the service on the stores that the environment names. */
await runService("npm run start:production --", process.argv.slice(2), async () => ({
  env: process.env,
  release: async () => undefined,
}));
