import { expect } from "chai";
import { rabbitMqAddress } from "../../../events/sinks/rabbitmq-address.ts";

describe("URLs of RabbitMQ", () => {
  const GUEST = { user: undefined, vhost: "/" };
  const CASES: readonly (readonly [string, ReturnType<typeof rabbitMqAddress>])[] = [
    ["amqp://localhost", { isEncrypted: false, host: "localhost", port: 5_672, ...GUEST }],
    ["amqps://MQ.example.", { isEncrypted: true, host: "mq.example", port: 5_671, ...GUEST }],
    ["amqps://mq.example:5670/", { isEncrypted: true, host: "mq.example", port: 5_670, ...GUEST }],
    ["amqp://[::1]:1", { isEncrypted: false, host: "::1", port: 1, ...GUEST }],
    ["amqp://0x7f.1", { isEncrypted: false, host: "127.0.0.1", port: 5_672, ...GUEST }],
    [
      "amqps://kim:p%40ss%3A%2F%ED%95%9C@mq.example/shop%2Feu",
      {
        ...{ isEncrypted: true, host: "mq.example", port: 5_671, vhost: "shop/eu" },
        user: { name: "kim", password: "p@ss:/한" },
      },
    ],
    [
      "amqp://kim:@h/%2F",
      { isEncrypted: false, host: "h", port: 5_672, user: { name: "kim", password: "" }, vhost: "/" },
    ],
  ];
  for (const [text, address] of CASES) it(text, () => expect(rabbitMqAddress(text)).to.deep.equal(address));

  for (const bad of [
    ...["", "amqp://", "amqp:///", "amqp:/h", "http://h", "AMQP://h", "h", "amqp://h:0", "amqp://h:65536"],
    ...[
      "amqp://h:port",
      "amqp://h/a/b",
      "amqp://h/%zz",
      "amqp://h?heartbeat=0",
      "amqp://h/v?x",
      "amqp://h#x",
    ],
    ...["amqp://kim@h", "amqp://:p@h", "amqp://@h", "amqp://k:@p@h", "amqp://k:p@q@h", "amqp://k:p/q@h"],
    ...[
      "amqp://k:%zz@h",
      "amqp://h h",
      "amqp://h,g",
      "amqp://h\\x",
      ` amqp://h`,
      `amqp://${"h".repeat(2_000)}`,
    ],
  ])
    it(`none: ${bad.slice(0, 40)}`, () => expect(rabbitMqAddress(bad)).to.equal(undefined));
});
