import { toJson } from "@bufbuild/protobuf";
import { enumName } from "../../proto/enum-name.ts";
import {
  CampaignService,
  GetSelfResponseSchema,
  OperatorRoleSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { jsonOptions } from "../json.ts";
import { factLines, printable } from "../render.ts";

export const action: Action = {
  async run(session, _input) {
    const { output, campaigns, settings } = session;
    const answer = await call(session, (options) => campaigns.getSelf({}, options));
    if (output.json) {
      await output.write(`${JSON.stringify(toJson(GetSelfResponseSchema, answer, jsonOptions))}\n`);
      return;
    }
    const { name, role, shared, methods } = answer;
    const known = [CampaignService, EventService, RedemptionService].flatMap((service) => service.methods);
    const denied = known.filter((method) => !methods.includes(method.name));
    const facts: [string, string][] = [
      ["role", enumName(OperatorRoleSchema, role).toLowerCase()],
      ["service", printable(settings.url)],
    ];
    if (shared) facts.push(["shared", "several people may have this credential"]);
    facts.push(["may not", denied.map((method) => method.name).join(", ") || "all methods are allowed"]);
    await output.write(`${output.style("bold", printable(name))}\n${factLines(facts)}`);
  },
};
