/** The process's own terminal. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { type InterruptCause, processTerminal } from "../../src/cli/terminal.ts";

const { columns, rows, isTTY } = process.stdout;
const errorIsTTY = process.stderr.isTTY;
afterEach(() => {
  Object.assign(process.stdout, { columns, rows, isTTY });
  vi.unstubAllEnvs();
});

describe("processTerminal", () => {
  it.each([
    [0, 80],
    [undefined, 80],
    [132, 132],
  ])("takes a width of %s for %d columns", (width, expected) => {
    process.stdout.columns = width as number;
    expect(processTerminal().screen.columns).toBe(expected);
  });

  it("follows the terminal's size, and has none for pipes and terminals that only print", () => {
    vi.stubEnv("TERM", "xterm");
    Object.assign(process.stdout, { columns: 132, rows: 0, isTTY: true });
    const { screen, size } = processTerminal();
    expect(size?.()).toEqual({ columns: 132, rows: 24 });
    Object.assign(process.stdout, { columns: 60, rows: 50 });
    expect([screen.columns, size?.()]).toEqual([60, { columns: 60, rows: 50 }]);
    vi.stubEnv("TERM", "dumb");
    Object.assign(process.stderr, { isTTY: true });
    expect(processTerminal()).toMatchObject({ size: undefined, hasProgress: false });
    Object.assign(process.stderr, { isTTY: errorIsTTY });
    vi.stubEnv("TERM", "xterm");
    process.stdout.isTTY = false;
    expect(processTerminal().size).toBeUndefined();
  });

  it("tells whoever listens of requests to end and of a reader that is gone, until they stop", () => {
    const before = process.listenerCount("SIGTERM");
    const gone = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
    const heard: InterruptCause[] = [];
    const dispose = processTerminal().onInterrupt((cause) => heard.push(cause));
    process.emit("SIGTERM", "SIGTERM");
    process.emit("SIGINT", "SIGINT");
    process.stdout.emit("error", gone);
    process.stderr.emit("error", new Error("EIO"));
    const expected = ["signal", "signal", "output-lost", "output-lost"];
    expect(heard).toEqual(expected);
    dispose();
    process.stdout.emit("error", gone);
    expect(heard).toEqual(expected);
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });

  it("takes a closing terminal for a request to end, and leaves SIGHUP to nohup where there is none", () => {
    const before = process.listenerCount("SIGHUP");
    const added = [true, false].map((isTTY) => {
      process.stdout.isTTY = isTTY;
      const dispose = processTerminal().onInterrupt(() => undefined);
      const now = process.listenerCount("SIGHUP");
      dispose();
      return now - before;
    });
    expect(added).toEqual([1, 0]);
  });
});
