/** Commands that are shown can be pasted, and show no password. */
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageFor, passwordNote, shellWord, shownCommand } from "../../src/cli/shown-command.ts";
import { DramatisError } from "../../src/domain/errors.ts";

const shown = (store?: string) => shownCommand("show a", { env: {}, store });

describe("shownCommand", () => {
  it("carries the store that was given, whole", () => {
    expect(shown()).toBe("dramatis show a");
    expect(shown("./my store")).toBe("dramatis show a --store './my store'");
    expect(shown("postgres://ana@db.example:5433/sims")).toBe(
      "dramatis show a --store postgres://ana@db.example:5433/sims",
    );
    expect(shown("postgres://db.example/sims?sslmode=require&application_name=x")).toBe(
      "dramatis show a --store 'postgres://db.example/sims?sslmode=require&application_name=x'",
    );
    expect(passwordNote({ env: {}, store: "postgres://ana@db.example/sims" })).toBeUndefined();
  });

  it.each([
    ["postgres://ana:marked@db.example/sims", "'postgres://ana:***@db.example/sims'"],
    ["postgresql://ana:mar@ked@db.example/sims", "'postgresql://ana:***@db.example/sims'"],
    [
      "postgres://db.example/sims?user=ana&password=marked",
      "'postgres://db.example/sims?user=ana&password=***'",
    ],
    ["postgres://ana:mar/ked@db.example/sims", "'postgres://***'"],
  ])("masks no more than the password of %s, and says what stands for it", (store, address) => {
    expect(shown(store)).toBe(`dramatis show a --store ${address}`);
    expect(passwordNote({ env: {}, store })).toContain("set DRAMATIS_STORE");
  });

  it("is called what it is called where it runs", () => {
    const env = { npm_lifecycle_event: "dramatis" };
    expect(shownCommand("runs", { env, store: "x" })).toBe("npm run -s dramatis -- runs --store x");
  });
});

describe("shellWord", () => {
  it.skipIf(process.platform === "win32")("is one word of a shell, whatever it holds", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((text) => !text.includes("\0")),
        (text) => {
          const read = execFileSync("/bin/sh", ["-c", `printf %s ${shellWord(text)}`], { encoding: "utf8" });
          expect(read).toBe(text);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("messageFor", () => {
  const error = new DramatisError("unknown-name", "There is no run.", { command: "runs" });

  it("completes the command that a message ends with", () => {
    expect(error.message).toBe("There is no run. dramatis runs");
    expect(messageFor(error, { env: {}, store: "there" })).toBe(
      "There is no run. dramatis runs --store there",
    );
    expect(messageFor(error, { env: {}, store: "postgres://a:marked@b/c" })).toMatch(
      /^There is no run\. dramatis runs --store 'postgres:\/\/a:\*\*\*@b\/c'\n\*\*\* stands for/,
    );
  });

  it("leaves other messages as they are", () => {
    const other = new DramatisError("port-in-use", "Port 80 is taken.");
    expect(messageFor(other, { env: {}, store: "there" })).toBe("Port 80 is taken.");
  });
});
