// Makes the three servers a replica set, the first time, and ends when each of them is a primary or a secondary.
const TRIES = 120;
const hosts = ["mongodb-1:27017", "mongodb-2:27017", "mongodb-3:27017"];
const password = require("node:fs").readFileSync("/run/secrets/mongodb-root-password", "utf8").trim();

function isWhole() {
  const admin = connect(`mongodb://root:${password}@${hosts[0]}/admin?directConnection=true`);
  const status = admin.runCommand({ replSetGetStatus: 1 });
  if (status.codeName === "NotYetInitialized") {
    const members = hosts.map((host, _id) => ({ _id, host }));
    admin.runCommand({ replSetInitiate: { _id: "rs0", members } });
    return false;
  }
  return (
    status.ok === 1 && status.members.every(({ stateStr }) => ["PRIMARY", "SECONDARY"].includes(stateStr))
  );
}

function isReached() {
  try {
    return isWhole();
  } catch (error) {
    print(`mongodb-1 does not answer yet: ${error.codeName ?? error.message}`);
    return false;
  }
}

let isDone = false;
for (let left = TRIES; left > 0 && !isDone; left--) {
  isDone = isReached();
  if (!isDone) sleep(1000);
}
quit(isDone ? 0 : 1);
