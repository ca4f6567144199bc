import { expect } from "chai";
import { isPublicAddress } from "../../../events/sinks/public-address.ts";

describe("which addresses are public", () => {
  const NOT = [
    ...["0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.1"],
    ...["169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1"],
    ...["192.168.0.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "240.0.0.1"],
    ...["255.255.255.255", "168.63.129.16"],
    ...["::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "100::1"],
    ...["2001:db8::1", "2001::1", "2002:a00:1::1", "3fff::1", "5f00::1", "4000::1", "64:ff9b:1::1"],
    // IPv4 in IPv6, in each way.
    ...["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:169.254.169.254", "0:0:0:0:0:ffff:a00:1"],
    ...["::127.0.0.1", "::7f00:1", "::ffff:0:127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe"],
    ...["", "crm.example", "1.2.3", "2130706433x", "1.2.3.4.5", "::g"],
  ];
  for (const address of NOT)
    it(`not ${JSON.stringify(address)}`, () => expect(isPublicAddress(address)).to.equal(false));

  for (const address of [
    "1.1.1.1",
    "8.8.8.8",
    "172.32.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
  ])
    it(address, () => expect(isPublicAddress(address)).to.equal(true));
});
