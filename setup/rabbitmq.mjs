import { existsSync } from "node:fs";
import { installPackage } from "./package.mjs";

/** The start script itself: the one on PATH lets only root and Debian's own user start a broker. */
const SCRIPTS = "/usr/lib/rabbitmq/bin";

/** @param {"rabbitmq-server" | "rabbitmqctl"} name */
export function rabbitMqProgram(name) {
  return `${SCRIPTS}/${name}`;
}

export function isRabbitMqHere() {
  return existsSync(rabbitMqProgram("rabbitmq-server"));
}

/** With Erlang, 22 packages. */
export function installRabbitMq() {
  return installPackage({
    what: "rabbitmq-server",
    debianPackage: "rabbitmq-server",
    service: "rabbitmq-server",
    isHere: isRabbitMqHere,
    instead:
      "Install rabbitmq-server yourself. Only the tests of deliveries to RabbitMQ, `npm run chaos -- --alerts` and the benchmark sinks need it.",
  });
}
