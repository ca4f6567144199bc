import type { Channel, ChannelModel } from "amqplib";

const NOT_FOUND = 404;

/**
 * Uses an exchange that is there as it is, whatever its type and arguments: that needs no right to configure
 * anything. Makes a missing one, durable, of the type topic, with two companions:
 *
 * - `NAME.unrouted`, the alternate exchange: a queue that is bound to it takes what no other queue wants.
 *   Without one the broker returns such a message, and it counts as not taken.
 * - `NAME.dead` with a queue of that name: where queues may send what their consumers reject, by their
 *   argument `x-dead-letter-exchange`.
 *
 * The exchange itself comes last: where it is, its companions are.
 */
export async function ensureExchange(model: ChannelModel, exchange: string): Promise<void> {
  if (await isThere(model, exchange)) return;
  const [unrouted, dead] = [`${exchange}.unrouted`, `${exchange}.dead`];
  await onChannel(model, async (channel) => {
    await channel.assertExchange(unrouted, "fanout", { durable: true });
    await channel.assertExchange(dead, "fanout", { durable: true });
    await channel.assertQueue(dead, { durable: true });
    await channel.bindQueue(dead, dead, "");
    await channel.assertExchange(exchange, "topic", { durable: true, alternateExchange: unrouted });
  });
}

async function isThere(model: ChannelModel, exchange: string): Promise<boolean> {
  try {
    await onChannel(model, (channel) => channel.checkExchange(exchange));
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === NOT_FOUND) return false;
    throw error;
  }
}

/** On a channel of its own: the broker closes the one on which it refuses something. */
async function onChannel(model: ChannelModel, act: (channel: Channel) => Promise<unknown>): Promise<void> {
  const channel = await model.createChannel();
  channel.on("error", () => undefined);
  await act(channel);
  await channel.close();
}
