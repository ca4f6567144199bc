/** Writes headers of the PROXY protocol as a proxy does, and wrong ones. */

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

export type Version2 = {
  /** Version and command; default: version 2, PROXY. */
  readonly command?: number;
  readonly family?: number;
  readonly addresses?: readonly number[];
};

export function version2({ command = 0x21, family = 0, addresses = [] }: Version2): Buffer {
  const head = Buffer.from([command, family, addresses.length >> 8, addresses.length & 0xff]);
  return Buffer.concat([SIGNATURE, head, Buffer.from(addresses)]);
}

/** Of a connection over IPv4. */
export function version1(source: string): Buffer {
  return Buffer.from(`PROXY TCP4 ${source} 10.0.0.1 4711 8080\r\n`);
}
