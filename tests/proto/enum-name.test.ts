import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DescEnum, DescFile, DescMessage } from "@bufbuild/protobuf";
import { expect } from "chai";
import { repositoryDir } from "../../local/repository.ts";
import { enumName } from "../../proto/enum-name.ts";
import { CampaignStateSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";

const GENERATED = join("proto", "gen", "coupon", "v1");
const generated = readdirSync(join(repositoryDir, GENERATED)).filter((file) => file.endsWith("_pb.ts"));

/** Every enum of the contract, with the object that the generated code has for it. */
async function contractEnums(): Promise<(readonly [DescEnum, Readonly<Record<string, number>>])[]> {
  const nestedIn = (message: DescMessage): DescEnum[] => [
    ...message.nestedEnums,
    ...message.nestedMessages.flatMap(nestedIn),
  ];
  const files = await Promise.all(
    generated.map(
      async (file) => (await import(join(repositoryDir, GENERATED, file))) as Record<string, unknown>,
    ),
  );
  return files.flatMap((module) => {
    const file = Object.values(module).find(
      (value): value is DescFile => (value as { kind?: string }).kind === "file",
    );
    const enums = [...(file?.enums ?? []), ...(file?.messages ?? []).flatMap(nestedIn)];
    return enums.map((desc) => [desc, module[desc.name] as Record<string, number>] as const);
  });
}

describe("the name of an enum's value", () => {
  it("is known for each value of each enum of the contract, and is the one that the code has for it", async () => {
    const enums = await contractEnums();
    expect(enums.map(([desc]) => desc.name)).to.include.members([
      "CampaignState",
      "RefusalReason",
      "EventLevel",
    ]);
    for (const [desc, object] of enums) {
      const named = desc.values.map(({ number }) => [enumName(desc, number), number]);
      expect(named, desc.typeName).to.deep.equal(Object.entries(object));
      for (const [name] of named) expect(name, desc.typeName).to.match(/^[A-Z][A-Z0-9_]*$/);
    }
  });

  it("of a newer contract, is its number, and tells of which enum", async () => {
    for (const [desc] of await contractEnums()) {
      const prefix = desc.values[0]?.name.replace(/UNSPECIFIED$/, "");
      for (const number of [1_000, -1]) expect(enumName(desc, number)).to.equal(`${prefix}${number}`);
    }
    expect(enumName(CampaignStateSchema, 42)).to.equal("CAMPAIGN_STATE_42");
  });

  it("is looked up nowhere by the way back that generated enums do not have", async () => {
    const names = (await contractEnums()).map(([desc]) => desc.name).join("|");
    const wayBack = new RegExp(`Object\\.(entries|keys)\\((${names})\\)[^;]{0,40}\\.(find|map)\\(`);
    const rooms = [
      "cli",
      "server",
      "callers",
      "client",
      "bench",
      "audit",
      "campaign",
      "claims",
      "scheduler",
      "generator",
    ];
    const found = rooms.flatMap((room) =>
      readdirSync(join(repositoryDir, room), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .filter((file) => wayBack.test(readFileSync(join(repositoryDir, room, file), "utf8")))
        .map((file) => join(room, file)),
    );
    expect(found).to.deep.equal([]);
  });
});
