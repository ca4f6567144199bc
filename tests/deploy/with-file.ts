import { readFileSync, writeFileSync } from "node:fs";

/** Does something while a file has another content. */
export async function withFile(file: string, content: string, work: () => Promise<unknown>): Promise<void> {
  const before = readFileSync(file);
  writeFileSync(file, content);
  try {
    await work();
  } finally {
    writeFileSync(file, before);
  }
}
