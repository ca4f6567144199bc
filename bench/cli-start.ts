/**
 * `npm run bench:cli`: the processor seconds that the built command takes to start, beside bare Node, in
 * interleaved runs. Prints figures and judges none.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { builtProduct, removeBuiltProduct } from "../local/built.ts";
import { PauseCampaignResponseSchema } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { interleaved, median } from "./rates/compare.ts";
import { runTold } from "./told-run.ts";

const ROUNDS = 9;
const ID = "01M7ZHBRD43Y7RCS84PKE7C0CK";

const secondsOf = async (args: readonly string[], url: string) =>
  (await runTold(args, { COUPON_URL: url })).processorSeconds;

const answer = toBinary(
  PauseCampaignResponseSchema,
  create(PauseCampaignResponseSchema, { campaign: { id: ID } }),
);
const service = createServer((request, response) => {
  request.resume().on("end", () => response.setHeader("content-type", "application/proto").end(answer));
});
service.listen(0, "127.0.0.1");
await once(service, "listening");
try {
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  const command = join(await builtProduct(), "cli", "coupon.mjs");
  const variants = {
    "node -e 0": ["-e", "0"],
    "--version": [command, "--version"],
    "--help": [command, "--help"],
    pause: [command, "pause", ID],
    "completion of a verb": [command, "__complete", "bash", "pa"],
  };
  const runs = Object.entries(variants).map(([name, args]) => [name, () => secondsOf(args, url)] as const);
  const results = await interleaved(ROUNDS, Object.fromEntries(runs));
  const bare = median(results["node -e 0"] ?? []);
  for (const [name, seconds] of Object.entries(results)) {
    const middle = median(seconds);
    const ratio = (middle / bare).toFixed(2);
    process.stdout.write(
      `${name.padEnd(22)} ${middle.toFixed(3)} s of processor time  ${ratio} of bare Node\n`,
    );
  }
} finally {
  service.close();
  await removeBuiltProduct();
}
