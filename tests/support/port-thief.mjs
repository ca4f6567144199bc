// Loaded into a service by `--import`: as soon as its primary releases a port that it has tried, another
// listens there, as any program on the machine may. PORT_THEFTS: how many ports it takes.
import cluster from "node:cluster";
import { createServer, Server } from "node:net";

let left = cluster.isPrimary ? Number(process.env["PORT_THEFTS"]) : 0;
const { close } = Server.prototype;

Server.prototype.close = function closeAndTake(done) {
  const address = this.address();
  if (left === 0 || address === null || typeof address === "string") return close.call(this, done);
  left -= 1;
  return close.call(this, () => {
    createServer().listen({ host: address.address, port: address.port }, () => {
      console.log(`stolen ${address.port}`);
      done?.();
    });
  });
};
