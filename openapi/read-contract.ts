import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { createFileRegistry, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { repositoryDir } from "../local/repository.ts";
import { openApiOf } from "./document.ts";

const run = promisify(execFile);
const BYTES_MAX = 16 * 1024 * 1024;

/** The contract with its comments, which the generated code does not have. */
async function readContract(): Promise<FileRegistry> {
  const buf = join(repositoryDir, "node_modules", ".bin", "buf");
  const args = ["build", "--as-file-descriptor-set", "-o", "-#format=binpb"];
  const { stdout } = await run(buf, args, { cwd: repositoryDir, encoding: "buffer", maxBuffer: BYTES_MAX });
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, stdout));
}

/** What `proto/openapi.json` has to be. */
export async function openApiText(): Promise<string> {
  return `${JSON.stringify(openApiOf(await readContract()), null, 2)}\n`;
}
