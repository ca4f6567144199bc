import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryDir } from "../local/repository.ts";
import { openApiText } from "./read-contract.ts";

/** A part of `npm run generate`. */
writeFileSync(join(repositoryDir, "proto", "openapi.json"), await openApiText());
