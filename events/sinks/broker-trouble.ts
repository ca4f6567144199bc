import { connectionTrouble } from "./connection-trouble.ts";

/** Source: AMQP 0-9-1, constants. The broker says them when it closes a channel or a connection. */
const WORDS: Readonly<Record<number, string>> = {
  320: "the broker closed the connection",
  403: "the broker refused access",
  404: "the broker does not know it",
  405: "it is locked for another connection",
  406: "it is there with other arguments",
  530: "the broker does not allow it",
};
/** Of the closing that the library tells in its own words: `403 (ACCESS-REFUSED) with message "…"`. */
const CLOSED = /(\d{3}) \([A-Z_-]+\) with message "([^"]*)/;
const SAID_MAX = 150;
/** The library's words where the broker closes the connection instead of opening the virtual host. */
const NO_VHOST = /^Expected ConnectionOpenOk; got <ConnectionClose/;

/**
 * What a broker, or a connection to one, has said; undefined: nothing. The broker's text is cut short; it has
 * names of users and of virtual hosts in it. A password, which a broker knows, is left to the caller.
 */
export function brokerTrouble(error: unknown): string {
  const { message = "", code } = error instanceof Error ? (error as Error & { code?: unknown }) : {};
  if (NO_VHOST.test(message))
    return "the broker refused the virtual host: it does not exist, or the user may not use it";
  const [, codeText, said = ""] = CLOSED.exec(message) ?? [];
  const number = codeText === undefined ? code : Number(codeText);
  if (typeof number !== "number" || !Number.isInteger(number)) return connectionTrouble(error);
  const told = said.slice(0, SAID_MAX).replace(/[^ -~]/g, "?");
  return `${WORDS[number] ?? `the broker closed it (${number})`}${told === "" ? "" : `: ${told}`}`;
}
