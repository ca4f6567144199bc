// Loaded before the measured program: at the process's end it writes the seconds of processor time that the
// process took, and the megabytes of memory that it held at most, to file descriptor 3.
const { writeSync } = require("node:fs");

process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeSync(3, `${(userCPUTime + systemCPUTime) / 1e6} ${maxRSS / 1024}`);
});
