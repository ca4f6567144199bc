import { join } from "node:path";
import { text } from "node:stream/consumers";
import { exitOf, inheritedEnvironment, killChild, spawnKept } from "../../../local/child.ts";
import { OPERATOR_TOKEN } from "../../support/operator-token.ts";
import { HANG_MS } from "../../support/patience.ts";
import type { Product } from "./product.ts";

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs `coupon` of a product at a server. */
export function coupon(product: Product, url: string, args: readonly string[]): Promise<Ended> {
  const env = { COUPON_URL: url, COUPON_TOKEN: OPERATOR_TOKEN, XDG_CONFIG_HOME: "/nowhere" };
  return runNode([join(product.dir, "cli", "coupon.mjs"), ...args], env);
}

/** The same, for a command that has to succeed. @throws with what it wrote */
export async function mustCoupon(product: Product, url: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await coupon(product, url, args);
  if (code === 0) return stdout;
  throw new Error(`coupon ${args.join(" ")} of ${product.version} ended with ${code}: ${stderr || stdout}`);
}

/** Runs the independent audit of a product, which reads both stores itself. */
export function audit(
  product: Product,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<Ended> {
  return runNode([join(product.dir, "audit", "command", "main.js"), ...args], env);
}

async function runNode(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawnKept(process.execPath, args, {
    env: { ...inheritedEnvironment(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const timer = setTimeout(() => void killChild(child), HANG_MS);
  try {
    const [stdout, stderr, exit] = await Promise.all([
      child.stdout === null ? "" : text(child.stdout),
      child.stderr === null ? "" : text(child.stderr),
      exitOf(child),
    ]);
    return { code: exit.code ?? 128, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}
