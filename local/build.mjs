// `npm run build`: builds the product into dist/, which production and the package run. Or `build.mjs FOLDER
// [FLAG OF TSC ...]`.
import { fileURLToPath } from "node:url";
import { buildProduct } from "./product.mjs";

const [folder = fileURLToPath(new URL("../dist", import.meta.url)), ...tscFlags] = process.argv.slice(2);

try {
  await buildProduct(folder, tscFlags);
} catch (error) {
  const { stdout = "", message = String(error) } = Object(error);
  process.stderr.write(`build: ${stdout || message}\n`);
  process.exitCode = 1;
}
