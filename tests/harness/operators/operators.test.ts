import { randomInt } from "node:crypto";
import { expect } from "chai";
import { openLifeGround } from "./ground.ts";
import { describeLife, liveThrough } from "./life.ts";

const LIVES = 2;
const CALLS = 24;
const SEED_MOST = 2 ** 31 - 1;

describe("several operators at once, under load, at three servers", () => {
  let ground: Awaited<ReturnType<typeof openLifeGround>>;
  const firstSeed = randomInt(1, SEED_MOST);

  before(async () => {
    ground = await openLifeGround();
  });

  after(() => ground?.close());

  for (let i = 0; i < LIVES; i++) {
    const seed = firstSeed + i;
    it(`seed ${seed}: each answer is by the table, each change has its effect, coupon verify is clean`, async () => {
      const life = await liveThrough(ground, { seed, calls: CALLS });
      const again = `npm run operators -- --seconds 0 --calls ${CALLS} --seed ${seed} --trace`;
      expect(life.faults, `${describeLife(life)}\nagain: ${again}`).to.deep.equal([]);
      // A life without changes and requests proves nothing.
      expect(life.changes).to.be.greaterThan(3);
      expect(life.asked).to.be.greaterThan(100);
    });
  }
});
