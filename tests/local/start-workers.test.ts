import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { startService } from "../../local/service-process.ts";
import { OPERATOR_TOKEN } from "../support/operator-token.ts";
import { HANG_MS } from "../support/patience.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

type Ready = { readonly http: string; readonly workers: number };

describe("npm start with workers and a secret in a file", () => {
  const dir = temporaryDir();
  after(() => dir.remove());

  it("starts, and each worker reads the secret from the file", async () => {
    const file = join(dir.path, "token");
    writeFileSync(file, `${OPERATOR_TOKEN}\n`, { mode: 0o600 });
    const service = startService({
      entry: "local/start.ts",
      env: {
        ...{ LOCAL_DATA_DIR: join(dir.path, "data"), PORT: "0", WORKERS: "2", LOG_FORMAT: "json" },
        OPERATOR_TOKEN_FILE: file,
      },
    });
    try {
      const ready = await Promise.race([
        service.waitForLine((line) => line.includes('"msg":"ready'), HANG_MS),
        service.exited.then(() => Promise.reject(new Error(service.lines.join("\n")))),
      ]);
      const { http, workers } = JSON.parse(ready) as Ready;
      expect(workers).to.equal(2);
      const ask = (token: string) =>
        fetch(`${http}/coupon.v1.CampaignService/ListCampaigns`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
          body: "{}",
        });
      expect((await ask(OPERATOR_TOKEN)).status).to.equal(200);
      expect((await ask(`${OPERATOR_TOKEN}x`)).status).to.equal(401);
    } finally {
      expect(await service.interrupt()).to.equal(0);
    }
  });
});
