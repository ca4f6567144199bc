import { runService } from "./service.ts";

/** The service on stores that the environment names. */
await runService(process.argv.slice(2), async () => ({ env: process.env, release: async () => undefined }));
