// The image of MongoDB runs this once, in mongodb-1, when its data folder is empty: the user of the service, with
// the rights that docs/operations.md lists.
const admin = db.getSiblingDB("admin");
const pwd = require("node:fs").readFileSync("/run/secrets/mongodb-password", "utf8").trim();
const readStatus = { resource: { cluster: true }, actions: ["replSetGetStatus"] };
admin.createRole({ role: "couponsPreflight", privileges: [readStatus], roles: [] });
admin.createUser({ user: "coupons", pwd, roles: [{ role: "readWrite", db: "coupons" }, "couponsPreflight"] });
