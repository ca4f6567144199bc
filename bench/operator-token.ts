import { randomBytes } from "node:crypto";

/** The operators' token of the services that this run starts, and of its clients. */
export const OPERATOR_TOKEN = randomBytes(32).toString("base64url");
