import { expect } from "chai";
import { unknownZone } from "../../runtime/time-zone.ts";

describe("time zone", () => {
  it("knows zones as TZ may name them, and UTC under its other names", () => {
    for (const TZ of [
      ...["", "UTC", "utc", "GMT", "Etc/UTC", "Etc/GMT+0", "Zulu", "Asia/Seoul", ":Asia/Seoul"],
      ...["America/New_York", "EST5EDT", "Asia/Calcutta", "America/Argentina/Buenos_Aires"],
    ])
      expect(unknownZone({ TZ }), TZ).to.equal(undefined);
    expect(unknownZone({})).to.equal(undefined);
  });

  it("says what TZ holds where Node would go on as if it were UTC", () => {
    for (const TZ of [
      "Foo/Bar",
      "Nowhere",
      "KST-9",
      "<+09>-9",
      "asia/seoul",
      "Asia/Seul",
      "/usr/share/zoneinfo/Asia/Seoul",
      "서울",
    ])
      expect(unknownZone({ TZ }), TZ).to.equal(TZ);
  });
});
