import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryDir } from "../../local/repository.ts";

export type Instruction = { readonly name: string; readonly rest: string };
export type Stage = { readonly from: string; readonly as: string; readonly steps: readonly Instruction[] };

/** What a container of the image begins with. */
export type Image = {
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: string;
  readonly user: string;
  readonly folder: string;
  readonly command: readonly string[];
  /** `CMD` and what follows. */
  readonly healthcheck: readonly string[];
  readonly ports: readonly number[];
};

export function readDockerfile(): { readonly stages: readonly Stage[]; readonly image: Image } {
  const text = readFileSync(join(repositoryDir, "Dockerfile"), "utf8");
  const lines = text
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "");
  const stages: { from: string; as: string; steps: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = "", rest = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name === "FROM") {
      const [, from = "", as = ""] = /^(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
      stages.push({ from, as, steps: [] });
    } else stages.at(-1)?.steps.push({ name, rest });
  }
  const steps = stages.at(-1)?.steps ?? [];
  const last = (name: string) => steps.findLast((step) => step.name === name)?.rest ?? "";
  return {
    stages,
    image: {
      environment: Object.fromEntries(
        last("ENV")
          .split(" ")
          .map((one) => one.split("=", 2) as [string, string]),
      ),
      labels: last("LABEL"),
      user: last("USER"),
      folder: last("WORKDIR"),
      command: JSON.parse(last("CMD")),
      healthcheck: ["CMD", ...JSON.parse(last("HEALTHCHECK").replace(/^.*? CMD /, ""))],
      ports: last("EXPOSE").split(" ").map(Number),
    },
  };
}
