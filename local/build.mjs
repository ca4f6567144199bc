// `npm run build`: the product in dist/, which production and the package run.
import { fileURLToPath } from "node:url";
import { buildProduct } from "./product.mjs";

try {
  await buildProduct(fileURLToPath(new URL("../dist", import.meta.url)));
} catch (error) {
  const { stdout = "", message = String(error) } = Object(error);
  process.stderr.write(`build: ${stdout || message}\n`);
  process.exitCode = 1;
}
