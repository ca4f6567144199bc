import type { Socket } from "node:net";

/** Where the bytes of a socket really come from, where a proxy has declared another source. */
const peers = new WeakMap<Socket, string>();

/** From now on the socket has this source, for limits and for requests; its port stays that of the proxy. */
export function declareSource(socket: Socket, address: string): void {
  peers.set(socket, peerOf(socket));
  Object.defineProperty(socket, "remoteAddress", { value: address, configurable: true });
}

/** The other end of a connection, unique among those of a port: an address and its port. */
export function peerOf(socket: Socket): string {
  return peers.get(socket) ?? `${socket.remoteAddress} ${socket.remotePort}`;
}
