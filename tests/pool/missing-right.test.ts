import { expect } from "chai";
import { ErrorReply } from "redis";
import { aclWord, missingRightIn } from "../../pool/missing-right.ts";
import { isNoPermission, isRefusal } from "../../pool/redis-trouble.ts";

const SCRIPT = " script: 872bc6701b4ac00ebb820e81652ffe2b4bc16f1b, on @user_script:1.";

/** What Redis 7.0.15, Redis 8.0.2 and Valkey 8.1.1 answered to a user without the right. */
const TEXTS: readonly (readonly [text: string, right: string | undefined])[] = [
  // 7.0
  ["NOPERM this user has no permissions to run the 'set' command", "+set"],
  ["NOPERM this user has no permissions to run the 'config|set' command", "+config|set"],
  ["NOPERM this user has no permissions to access one of the keys used as arguments", "~cp:*"],
  [
    `ERR The user executing the script can't run this command or subcommand${SCRIPT}`,
    undefined, // its words do not name the command
  ],
  [
    `ERR The user executing the script can't access at least one of the keys mentioned in the command arguments${SCRIPT}`,
    "~cp:*",
  ],
  [
    "EXECABORT Transaction discarded because of: NOPERM this user has no permissions to run the 'get' command",
    "+get",
  ],
  // 8.0, and Valkey 8.1 in the same words
  ["NOPERM User few has no permissions to run the 'set' command", "+set"],
  ["NOPERM User few has no permissions to run the 'config|set' command", "+config|set"],
  ["NOPERM No permissions to access a key", "~cp:*"],
  [`ERR ACL failure in script: User few has no permissions to run the 'set' command${SCRIPT}`, "+set"],
  ["ERR ACL failure in script: User few has no permissions to run the 'info' command", "+info"],
  [`ERR ACL failure in script: No permissions to access a key${SCRIPT}`, "~cp:*"],
  // The name of a user may hold anything but spaces.
  ["NOPERM User monkey has no permissions to run the 'get' command", "+get"],
  ["NOPERM User to-access-a-key has no permissions to run the 'get' command", "+get"],
  ["NOPERM User run-the-'set'-command has no permissions to run the 'get' command", "+get"],
];

const OTHERS = [
  "ERR no such key",
  "ERR unknown command 'HELLO', with args beginning with: ",
  `ERR Unknown Redis command called from script${SCRIPT}`,
  "WRONGPASS invalid username-password pair or user is disabled.",
  "EXECABORT Transaction discarded because of previous errors.",
  "READONLY You can't write against a read only replica.",
];

describe("Redis: a missing right, by what each engine says", () => {
  for (const [text, right] of TEXTS) {
    it(text.replace(SCRIPT, " …"), () => {
      const found = missingRightIn(text);
      expect(found).not.to.equal(undefined);
      expect(found && aclWord(found)).to.equal(right);
      expect(isNoPermission(new ErrorReply(text))).to.equal(true);
      // A new connection may lead to another Redis, whose user has the right.
      if (!text.startsWith("EXECABORT")) expect(isRefusal(new ErrorReply(text))).to.equal(true);
    });
  }

  for (const text of OTHERS) {
    it(`not: ${text.replace(SCRIPT, " …")}`, () => {
      expect(missingRightIn(text)).to.equal(undefined);
      expect(isNoPermission(new ErrorReply(text))).to.equal(false);
    });
  }

  it("not: the same words in another error than a reply of Redis", () => {
    expect(isNoPermission(new Error(TEXTS[0]?.[0]))).to.equal(false);
  });
});
