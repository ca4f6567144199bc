/** A process that delivers events to real sinks, to be killed. Its first line is the owner of its leases. */

import { randomUUID } from "node:crypto";
import { createEventSinks } from "../../../events/sinks/event-sinks.ts";
import { createPool } from "../../../pool/pool.ts";
import { connectRedis } from "../../../pool/redis.ts";
import { connectMongo } from "../../../record/mongo.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { dispatching } from "../../support/dispatching.ts";
import { silentLogger } from "../../support/shared-stores.ts";

const { REDIS_URL = "", MONGODB_URL = "", MONGODB_DATABASE = "" } = process.env;
const redis = await connectRedis({ url: REDIS_URL, connectWithinMs: 60_000, logger: silentLogger });
const mongo = { url: MONGODB_URL, database: MONGODB_DATABASE, connectWithinMs: 60_000, operationMs: 10_000 };
const { db } = await connectMongo(mongo);
const owner = randomUUID();
const { open } = createEventSinks({ allow: ["loopback"], clock: systemClock });
const { dispatcher } = dispatching(
  { db, pool: createPool(redis, 10_000) },
  {
    ...{ clock: systemClock, owner, leaseMs: 1_000, batchMax: 100, deliveryDeadlineMs: 1_000 },
    openSink: open,
  },
);
dispatcher.start();
console.log(owner);
