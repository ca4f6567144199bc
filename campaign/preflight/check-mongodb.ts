import type { Deployment } from "../../record/mongo-facts.ts";
import { counted, isOrAre } from "../../runtime/counting.ts";
import type { Facts } from "./facts.ts";
import { amber, green, type Judged, red } from "./line.ts";

const SLOW_WRITE_MS = 250;
/** Error texts of MongoDB for a missing right, or a missing user and password. */
const DENIED = /not authorized|requires authentication|authentication failed/i;

export function checkMongodbWrite({ mongodb: { write } }: Facts): Judged {
  if (!write.ok)
    return red(
      `MongoDB does not take a durable write (majority, journaled): ${write.why}`,
      DENIED.test(write.why)
        ? "grant the user of MONGODB_URL readWrite on the database MONGODB_DATABASE"
        : "see to its disk, and that a majority of its members is up",
    );
  const finding = `a durable write (majority, journaled) took ${write.value.toFixed(1)} ms`;
  if (write.value <= SLOW_WRITE_MS) return green(finding);
  return amber(
    finding,
    `more than ${SLOW_WRITE_MS} ms, and each caller waits for one: see to its disk and network`,
  );
}

/** Amber also if all is healthy, but one failed member would lose acknowledged coupons or stop all writes. */
export function checkMongodbMembers({ mongodb: { deployment } }: Facts): Judged {
  if (!deployment.ok)
    return amber(
      `the members of MongoDB cannot be read: ${deployment.why}`,
      "ask its administrator whether a majority of them is healthy",
    );
  const found = deployment.value;
  if (found.kind === "mongos") return checkMongos(found);
  if (found.kind === "standalone")
    return amber(
      "one server, no replica set: every acknowledged coupon is on its disk alone, and no caller gets one while it is down",
      "run a replica set of three members, on three machines",
    );
  const { name, members, healthy, majority } = found;
  if (healthy === undefined)
    return amber(
      `replica set ${name} of ${members}; it cannot be read which of them are healthy`,
      "allow its user replSetGetStatus (role clusterMonitor), or ask its administrator",
    );
  const finding = `replica set ${name}: ${healthy} of ${counted(members, "member")} ${isOrAre(members)} healthy`;
  if (healthy < majority)
    return red(
      `${finding}, a majority is ${majority}`,
      "bring its members back: nothing can be made durable",
    );
  const spare = healthy - majority;
  const tolerates = `${finding}, ${spare === 0 ? "none" : spare} more may fail`;
  if (healthy < members) return amber(tolerates, "bring its other members back before the start");
  if (spare === 0) return amber(tolerates, "run a replica set of three members with data, on three machines");
  return green(finding);
}

function checkMongos({ sharded }: Extract<Deployment, { kind: "mongos" }>): Judged {
  const what = "a mongos, the router of a sharded cluster";
  if (sharded === undefined)
    return amber(
      `${what}; it cannot be read whether campaigns, coupons and issuances are sharded`,
      "grant its user collStats on the database MONGODB_DATABASE (readWrite has it)",
    );
  if (sharded.length > 0)
    return red(
      `${what}; sharded are ${sharded.join(" and ")}: over several shards MongoDB does not hold a code to be unique`,
      "move them back to one shard (sh.unshardCollection), or use a replica set: no service starts there",
    );
  return amber(
    `${what}; it does not report whether the members of its shards are healthy`,
    "see that a majority is in the shard that has the database (sh.status(), there rs.status())",
  );
}
