import { expect } from "chai";
import { openTerminal } from "../../../cli/console/terminal.ts";
import { readScreen, standInTerminal } from "../../support/stand-in-terminal.ts";

describe("console terminal", () => {
  function open(columns?: number, rows?: number) {
    const screen = standInTerminal(columns, rows);
    const keyboard = standInTerminal();
    screen.resume();
    const keys: string[] = [];
    let resizes = 0;
    const terminal = openTerminal({
      screen,
      keyboard,
      onKey: (key) => keys.push(key),
      onResize: () => resizes++,
    });
    return {
      terminal,
      screen,
      keyboard,
      keys,
      resizes: () => resizes,
      read: () => readScreen(screen.shown()),
    };
  }

  it("takes the screen, and gives it back as it was, once", () => {
    const { terminal, screen, keyboard, read } = open();
    terminal.draw(["one", "two"]);
    expect(read()).to.deep.equal({ rows: ["one", "two"], cursor: false, wraps: false, main: "" });
    expect(keyboard.raw).to.equal(true);
    terminal.close();
    expect(read()).to.deep.equal({ rows: undefined, cursor: true, wraps: true, main: "" });
    expect(keyboard.raw).to.equal(false);
    expect(keyboard.isPaused()).to.equal(true);
    const written = screen.shown();
    terminal.close();
    terminal.draw(["late"]);
    expect(screen.shown()).to.equal(written);
    expect(
      [screen, keyboard].map((one) => one.listenerCount("resize") + one.listenerCount("data")),
    ).to.deep.equal([0, 0]);
  });

  it("writes only the lines that differ, and erases before it writes", () => {
    const { terminal, screen, read } = open();
    terminal.draw(["one", "two", "three"]);
    const before = screen.shown().length;
    terminal.draw(["one", "2", "three"]);
    expect(screen.shown().slice(before)).to.equal("\x1b[2;1H\x1b[2K2");
    terminal.draw(["one", "2", "three"]);
    expect(screen.shown().slice(before)).to.equal("\x1b[2;1H\x1b[2K2");
    expect(read().rows).to.deep.equal(["one", "2", "three"]);
    terminal.close();
  });

  it("draws all of it again after another size and when it is told to forget", () => {
    const { terminal, screen, resizes, read } = open(80, 24);
    terminal.draw(["one", "two"]);
    screen.columns = 40;
    screen.rows = 5;
    screen.emit("resize");
    expect(resizes()).to.equal(1);
    expect(terminal.size).to.deep.equal({ width: 40, height: 5 });
    expect(read().rows).to.deep.equal([]);
    terminal.draw(["one"]);
    terminal.forget();
    terminal.draw(["one"]);
    expect(read().rows).to.deep.equal(["one"]);
    terminal.close();
  });

  it("a terminal that does not tell its size is taken for 80 by 24", () => {
    const { terminal } = open(0, 0);
    expect(terminal.size).to.deep.equal({ width: 80, height: 24 });
    terminal.close();
  });

  it("gives keys one by one, and no parts of arrows and function keys", () => {
    const { terminal, keyboard, keys } = open();
    for (const pressed of ["pq", "\x1b[A", "\x1bOq", "\x03"]) keyboard.emit("data", Buffer.from(pressed));
    expect(keys).to.deep.equal(["p", "q", "\x03"]);
    terminal.close();
  });

  it("writes nothing more while the terminal is behind, and then what is of now", () => {
    const { terminal, screen, read } = open();
    terminal.draw(["one"]);
    Object.defineProperty(screen, "writableNeedDrain", { value: true, configurable: true });
    terminal.draw(["two"]);
    expect(read().rows).to.deep.equal(["one"]);
    Object.defineProperty(screen, "writableNeedDrain", { value: false });
    terminal.draw(["three"]);
    expect(read().rows).to.deep.equal(["three"]);
    terminal.close();
  });

  it("the end of the process gives it back too", () => {
    const before = process.listeners("exit");
    const { terminal, read } = open();
    const [close] = process.listeners("exit").filter((one) => !before.includes(one));
    expect(read().cursor).to.equal(false);
    close?.call(process, 0);
    expect(read()).to.include({ rows: undefined, cursor: true });
    expect(process.listeners("exit")).to.deep.equal(before);
    terminal.close();
  });
});
