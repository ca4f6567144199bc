import { expect } from "chai";
import { systemClock } from "../../../runtime/clock.ts";
import { shortenDeadlines } from "../../../server/http/long-deadlines.ts";
import { issuedCampaign } from "../../support/issued-campaign.ts";
import { type OpenApp, openApp } from "../../support/open-app.ts";
import { readGrpc, readStream } from "../../support/raw-call.ts";
import { withStores } from "../../support/with-stores.ts";

const MOST = String(2 ** 31 - 1);

describe("deadlines too long for a timer", () => {
  const shortened = (name: string, value: string) => {
    const headers = { [name]: value };
    shortenDeadlines(headers);
    return headers[name];
  };

  it("of Connect: the longest that a timer keeps, all else as it came", () => {
    for (const value of [MOST, "0", "500", "soon", "-1", "12345678901", `${MOST}, 1`])
      expect(shortened("connect-timeout-ms", value), value).to.equal(value);
    for (const value of ["2147483648", "9999999999"])
      expect(shortened("connect-timeout-ms", value), value).to.equal(MOST);
  });

  it("of gRPC: in whole seconds", () => {
    for (const value of [
      "99999999m",
      "99999999u",
      "99999999n",
      "2147483S",
      "35791M",
      "596H",
      "1S",
      "9X",
      "soon",
    ])
      expect(shortened("grpc-timeout", value), value).to.equal(value);
    for (const value of ["2147484S", "35792M", "597H", "99999999H", "99999999S"])
      expect(shortened("grpc-timeout", value), value).to.equal("2147483S");
  });

  describe("at both doors, an export ends whole", () => {
    const stores = withStores();
    let app: OpenApp;
    let fields: { campaignId: string; batchSize: number };

    before(async () => {
      fields = { campaignId: await issuedCampaign(stores, 10), batchSize: 2 };
      app = await openApp(stores, { clock: systemClock });
    });

    after(async () => {
      await app.close();
    });

    for (const value of [MOST, "2147483648", "9999999999"])
      it(`Connect-Timeout-Ms: ${value}`, async () => {
        const headers = { "connect-timeout-ms": value };
        const method = "CampaignService/ExportCoupons";
        const { messages, end } = await readStream({ port: app.port, method, fields, headers });
        expect([messages.length, end]).to.deep.equal([5, {}]);
      });

    for (const value of ["2147483S", "2147484S", "99999999H"])
      it(`grpc-timeout: ${value}, over HTTP/2`, async () => {
        const headers = { "grpc-timeout": value };
        const method = "CampaignService/ExportCoupons";
        const { messages, status } = await readGrpc({ port: app.grpcPort, method, fields, headers });
        expect([messages, status]).to.deep.equal([5, "0"]);
      });
  });
});
