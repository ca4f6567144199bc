// `node bench/look-up-crowd.mjs PORT CAMPAIGN CONNECTIONS`: asks for coupons that there are not and for
// campaigns that there are not, again as soon as it is answered, on each connection, until it is ended.
// Prints answers each second.
import { connect } from "node:net";

const [port = "", campaignId = "", connections = "200"] = process.argv.slice(2);
const CODES = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const unknownId = () =>
  `01M7${Array.from({ length: 22 }, () => CODES[Math.floor(Math.random() * CODES.length)]).join("")}`;
let answers = 0;

/** @param {number} of */
function request(of) {
  const [method, body] =
    of % 2 === 0
      ? ["FindCoupon", JSON.stringify({ campaignId, userId: `nobody-${Math.random()}` })]
      : ["GetCampaignStatus", JSON.stringify({ campaignId: unknownId() })];
  return `POST /coupon.v1.CouponService/${method} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

for (let i = 0; i < Number(connections); i++) {
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => {});
  socket.on("connect", () => socket.write(request(i)));
  socket.on("data", (data) => {
    if (!data.includes("HTTP/1.1")) return;
    answers += 1;
    socket.write(request(i));
  });
}
setInterval(() => {
  process.stdout.write(`${answers}\n`);
  answers = 0;
}, 1_000);
