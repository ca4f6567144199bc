import { expect } from "chai";
import type { RabbitMqSettings, WebhookSettings } from "../../../events/sink.ts";
import { createEventSinks, shownTarget } from "../../../events/sinks/event-sinks.ts";
import { newWebhookSecret } from "../../../events/sinks/webhook-secrets.ts";
import { systemClock } from "../../../runtime/clock.ts";

const SECRET = newWebhookSecret();
const { troubleOf } = createEventSinks({
  allow: ["loopback", "10.0.0.0/8", "mq.internal"],
  clock: systemClock,
});
const webhook = (given: Partial<WebhookSettings> = {}): WebhookSettings => ({
  ...{ kind: "webhook", url: "https://crm.example/hooks/1", secrets: [{ secret: SECRET }], ...given },
});
const rabbitMq = (given: Partial<RabbitMqSettings> = {}): RabbitMqSettings => ({
  ...{ kind: "rabbitmq", url: "amqps://kim:hunter2@mq.example/shop", exchange: "coupons", ...given },
});

describe("settings of a sink", () => {
  it("of a webhook: https, or http on this machine", () => {
    for (const url of [
      ...[
        "https://crm.example",
        "https://crm.example:8443/a?token=b",
        "https://쿠폰.example/",
        "https://1.1.1.1/",
      ],
      ...["http://localhost:8080/", "http://127.0.0.1/", "http://[::1]/", "https://10.1.2.3/"],
    ])
      expect(troubleOf(webhook({ url })), url).to.equal(undefined);
  });

  for (const url of [
    ...["", "crm.example", "/hooks", "http://crm.example/", "ftp://crm.example/", "file:///etc/passwd"],
    ...[
      "https://u:hunter2@crm.example/",
      "https://hunter2@crm.example/",
      "https://crm.example/#a",
      "https://",
    ],
    ...["https://crm.example/ a", "https://crm.example/\n", `https://crm.example/${"a".repeat(2_000)}`],
    ...["http://10.1.2.3/", "http://mq.internal/", "javascript:alert(1)", "amqps://crm.example"],
    // Private addresses, however they are written.
    ...["https://192.168.0.1/", "https://0.0.0.0/", "https://169.254.169.254/latest", "https://[::]/"],
    ...["https://3232235521/", "https://0xc0a80001/", "https://0300.0250.0.1/", "https://192.168.1/"],
    ...[
      "https://[::ffff:192.168.0.1]/",
      "https://[::ffff:c0a8:1]/",
      "https://[fd00::1]/",
      "https://[fe80::1]/",
    ],
    ...["https://[64:ff9b::a9fe:a9fe]/", "https://①⑨②.168.0.1/", "https://192.168.0.1./"],
  ])
    it(`no URL of a webhook: ${JSON.stringify(url.slice(0, 50))}`, () => {
      expect(troubleOf(webhook({ url })))
        .to.match(/^url: must /)
        .and.not.include("hunter2");
    });

  it("of a webhook: one to five secrets, the first without an end", () => {
    const until = new Date();
    expect(troubleOf(webhook({ secrets: [{ secret: SECRET }, { secret: SECRET, until }] }))).to.equal(
      undefined,
    );
    expect(troubleOf(webhook({ secrets: [] }))).to.equal("secrets: must be 1 to 5");
    const six = Array.from({ length: 6 }, () => ({ secret: SECRET }));
    expect(troubleOf(webhook({ secrets: six }))).to.equal("secrets: must be 1 to 5");
    expect(troubleOf(webhook({ secrets: [{ secret: SECRET, until }] }))).to.match(
      /^secrets: the first one must/,
    );
    const wrong = troubleOf(webhook({ secrets: [{ secret: SECRET }, { secret: "hunter2", until }] }));
    expect(wrong)
      .to.match(/^secrets: must be whsec_/)
      .and.not.include("hunter2");
  });

  it("of RabbitMQ: over TLS, or to this machine and what is listed", () => {
    for (const url of [
      ...[
        "amqps://mq.example",
        "amqps://kim:hunter2@mq.example:5671/%2F",
        "amqp://localhost",
        "amqp://10.1.2.3",
      ],
      // Whether its address is listed is found out when a connection is made.
      ...["amqp://mq.internal", "amqp://mq.example"],
    ])
      expect(troubleOf(rabbitMq({ url })), url).to.equal(undefined);
    for (const url of [
      "amqp://1.1.1.1",
      "amqps://192.168.0.1",
      "amqps://3232235521",
      "amqp://kim:hunter2@",
      "https://h",
    ])
      expect(troubleOf(rabbitMq({ url })), url)
        .to.match(/^url: must /)
        .and.not.include("hunter2");
  });

  it("of RabbitMQ: the name of an exchange, and none of the broker's own", () => {
    for (const exchange of ["coupons", "shop.coupons-1:a", "_", "x".repeat(100)])
      expect(troubleOf(rabbitMq({ exchange })), exchange).to.equal(undefined);
    for (const exchange of ["", "amq.topic", "a b", "쿠폰", "-a", "x".repeat(101), "a/b"])
      expect(troubleOf(rabbitMq({ exchange })), exchange).to.match(/^exchange: must be 1 to 100 letters/);
  });

  it("what is shown of a target has no secret in it", () => {
    expect(shownTarget(webhook({ url: "https://Crm.example:8443/hooks/hunter2?token=hunter2" }))).to.equal(
      "https://crm.example:8443/…",
    );
    expect(shownTarget(webhook({ url: "https://crm.example" }))).to.equal("https://crm.example/");
    expect(shownTarget(webhook({ url: "hunter2" }))).to.equal("");
    expect(shownTarget(rabbitMq())).to.equal("amqps://mq.example:5671/shop coupons");
    expect(shownTarget(rabbitMq({ url: "amqp://kim:hunter2@[::1]" }))).to.equal(
      "amqp://[::1]:5672/%2F coupons",
    );
    expect(shownTarget(rabbitMq({ url: "hunter2" }))).to.equal("coupons");
  });
});
