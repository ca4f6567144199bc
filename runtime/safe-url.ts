import { isLoopback } from "./loopback.ts";

/**
 * Whether what a URL answers can be trusted to come from its host: https, or http on this machine. A URL with
 * a user or password is not: it would be logged.
 */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isProven = protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
  return isProven && username === "" && password === "";
}
