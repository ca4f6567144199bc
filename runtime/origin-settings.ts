import { checked } from "./setting-kinds.ts";

/** The settings of which pages of other origins browsers let call a service and read its answers. */

const ORIGINS_MAX = 50;
const ORIGIN = /^https?:\/\/[^\s/?#@\\*]{1,300}$/i;
const ORIGINS_RULE = `must be 1 to ${ORIGINS_MAX} origins with commas or blanks between them, each as https://shop.example or http://localhost:5173: http or https, a host, and a port if it is not the default, without path, final / and *`;

const origins = checked((text) => {
  const given = partsOf(text);
  return given.length > 0 && given.length <= ORIGINS_MAX && given.every(isOrigin) ? undefined : ORIGINS_RULE;
}).transform((text) => [...new Set(partsOf(text).map((origin) => new URL(origin).origin))]);

export const originSettings = {
  ALLOWED_ORIGINS: origins.optional(),
  OPERATOR_ORIGINS: origins.optional(),
};

function partsOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== "");
}

function isOrigin(text: string): boolean {
  return ORIGIN.test(text) && URL.canParse(text);
}
