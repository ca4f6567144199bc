import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync } from "@grpc/proto-loader";
import { expect } from "chai";
import { fencesOf } from "../../checks/markdown.mjs";
import { until } from "../../local/poll.ts";
import { repositoryDir } from "../../local/repository.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { withStores } from "../support/with-stores.ts";

type Call = (
  request: object,
  options: { deadline: number },
  done: (error: grpc.ServiceError | null, answer: Record<string, unknown>) => void,
) => void;
type Client = Record<string, Call> & {
  close(): void;
  watch(request: object): grpc.ClientReadableStream<{ status: string }>;
  serverReflectionInfo(): grpc.ClientDuplexStream<object, Record<string, never>>;
};

const OPTIONS = { enums: String, longs: String, defaults: true, oneofs: true };
const run = promisify(execFile);

/** gRPC's own client for Node, which has none of this service's code. */
describe("A foreign client over gRPC", function () {
  // Starts processes; a bound against hanging.
  this.timeout(3 * HANG_MS);
  const stores = withStores();
  let services: Services;
  let service: Service;
  let campaignId: string;
  const clients: Client[] = [];

  before(async () => {
    services = createServices(stores.env);
    service = await services.start({ env: { GRPC_REFLECTION: "on", SHUTDOWN_DELAY_MS: "3000" } });
    campaignId = await createOpenCampaign(connectClients(service.url), { total: 10, onePerUser: true });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  after(async () => {
    await services?.end();
  });

  function clientOf(definition: grpc.ServiceDefinition | unknown): Client {
    const Made = grpc.makeGenericClientConstructor(definition as grpc.ServiceDefinition, "Foreign");
    const { host } = new URL(service.grpcUrl);
    const client = new Made(host, grpc.credentials.createInsecure()) as unknown as Client;
    clients.push(client);
    return client;
  }
  const definedIn = (file: string, name: string) =>
    clientOf(loadSync(file, { ...OPTIONS, includeDirs: [join(repositoryDir, "proto")] })[name]);
  const health = () => definedIn("grpc/health/v1/health.proto", "grpc.health.v1.Health");

  const call = (client: Client, method: string, request: object) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      client[method]?.(request, { deadline: Date.now() + HANG_MS }, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });

  /** Asks by reflection, each question on one stream. */
  function reflected(version: "v1" | "v1alpha", questions: object[]): Promise<Record<string, never>[]> {
    const name = `grpc.reflection.${version}.ServerReflection`;
    const stream = definedIn(`grpc/reflection/${version}/reflection.proto`, name).serverReflectionInfo();
    const answers: Record<string, never>[] = [];
    return new Promise((resolve, reject) => {
      stream.on("data", (answer) => answers.push(answer));
      stream.on("error", reject);
      stream.on("end", () => resolve(answers));
      for (const question of questions) stream.write(question);
      stream.end();
    });
  }

  it("lists the services, and issues a coupon with nothing but the contract that it was told", async () => {
    for (const version of ["v1", "v1alpha"] as const) {
      const [list, file] = (await reflected(version, [
        { listServices: "" },
        { fileContainingSymbol: "coupon.v1.CouponService" },
      ])) as unknown as [
        { listServicesResponse: { service: { name: string }[] } },
        { fileDescriptorResponse: { fileDescriptorProto: Buffer[] } },
      ];
      expect(list.listServicesResponse.service.map(({ name }) => name)).to.include.members([
        ...["coupon.v1.CouponService", "coupon.v1.CampaignService", "grpc.health.v1.Health"],
        `grpc.reflection.${version}.ServerReflection`,
      ]);
      const definitions = loadFileDescriptorSetFromBuffer(
        fileDescriptorSet(file.fileDescriptorResponse.fileDescriptorProto),
        OPTIONS,
      );
      const coupons = clientOf(definitions["coupon.v1.CouponService"]);
      // As the contract spells them.
      const asked = { campaign_id: campaignId, user_id: `${KEY_PREFIX}${version}` };
      const { coupon, replayed } = await call(coupons, "issueCoupon", asked);
      expect([Object(coupon).campaign_id, replayed]).to.deep.equal([campaignId, false]);
      const found = await call(coupons, "findCoupon", asked);
      expect(found["coupon"]).to.deep.equal(coupon);
    }
  });

  it("does what docs/api.md says with buf curl", async () => {
    const buf = join(repositoryDir, "node_modules", ".bin", "buf");
    const page = readFileSync(join(repositoryDir, "docs/api.md"), "utf8");
    const fence = fencesOf(page).find(({ text }) => text.includes("buf curl"));
    const commands = (fence?.text ?? "")
      .replaceAll("\\\n", " ")
      .split("\n")
      .filter((line) => line !== "");
    expect(commands.length).to.be.at.least(4);
    const home = temporaryDir();
    const outputs: string[] = [];
    try {
      for (const command of commands) {
        expect(command).to.match(/^buf curl /);
        const here = command.replaceAll("http://127.0.0.1:9080", service.grpcUrl).replace(/^buf/, buf);
        const env = { PATH: process.env["PATH"] ?? "", HOME: home.path, CAMPAIGN: campaignId };
        outputs.push((await run("sh", ["-c", here], { env, timeout: HANG_MS })).stdout);
      }
    } finally {
      home.remove();
    }
    const [list, checked, status, issued] = outputs;
    expect(list?.split("\n")).to.include.members(["coupon.v1.CouponService", "grpc.health.v1.Health"]);
    expect(JSON.parse(checked ?? "")).to.deep.equal({ status: "SERVING" });
    expect(JSON.parse(status ?? "").state).to.equal("CAMPAIGN_STATE_OPEN");
    expect(JSON.parse(issued ?? "").coupon.campaignId).to.equal(campaignId);
  });

  it("sees that the server takes calls, and that it does not before its port closes", async () => {
    const client = health();
    const services = ["CouponService", "CampaignService", "EventService", "RedemptionService"];
    const names = ["", ...services.map((one) => `coupon.v1.${one}`)];
    for (const name of names)
      expect(await call(client, "check", { service: name }), name).to.deep.equal({ status: "SERVING" });
    const unknown = await call(client, "check", { service: "other" }).catch((error: unknown) => error);
    expect((unknown as grpc.ServiceError).code).to.equal(grpc.status.NOT_FOUND);
    const listed = await call(client, "list", {});
    expect(listed["statuses"]).to.have.keys(names);

    const watched: string[] = [];
    const stream = client.watch({ service: "coupon.v1.CouponService" });
    const ended = new Promise((resolve) => stream.once("end", resolve).once("error", resolve));
    stream.on("data", ({ status }) => watched.push(status));
    expect(await until(() => watched.length === 1, HANG_MS)).to.equal(true);
    const stopped = service.process.stop(HANG_MS);
    expect(await until(() => watched.length === 2, HANG_MS)).to.equal(true);
    expect(await call(client, "check", {}), "the port is still open").to.deep.equal({
      status: "NOT_SERVING",
    });
    await ended;
    expect(watched).to.deep.equal(["SERVING", "NOT_SERVING"]);
    expect(await stopped).to.equal(0);
  });
});

/** A google.protobuf.FileDescriptorSet of these files: field 1, once for each. */
function fileDescriptorSet(files: readonly Buffer[]): Buffer {
  return Buffer.concat(files.flatMap((file) => [Buffer.from([0x0a]), varint(file.length), file]));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left >>>= 7) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left & 127) | 128);
  }
}
