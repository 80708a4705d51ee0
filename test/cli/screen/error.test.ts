/** Errors help: the user's with what to do, ours with what a report needs. */
import { describe, expect, it } from "vitest";
import { renderError } from "../../../src/cli/screen/error.ts";
import { ConversationError } from "../../../src/domain/conversation-error.ts";
import { DramatisError, InvalidFilesError } from "../../../src/domain/errors.ts";
import { sampleRecord } from "../../report/sample-record.ts";

describe("renderError", () => {
  it("lists the problems of files by file, aligned, with hints under them", async () => {
    const error = new InvalidFilesError([
      {
        file: "personas/maya.yaml",
        line: 12,
        column: 5,
        path: "personality.kind",
        expected: "a known kind",
        got: '"analitical"',
        hint: 'did you mean "analytical"?',
      },
      { file: "scenarios/x.yaml", path: "", expected: "a mapping", got: "an empty file" },
      { file: "personas/maya.yaml", line: 4, path: "goals", expected: "at least 1 item", got: "none" },
    ]);
    expect(await renderError(error)).toBe(
      [
        "3 problems in 2 files",
        "",
        "personas/maya.yaml",
        '  12:5  personality.kind  expected a known kind, got "analitical"',
        '                          did you mean "analytical"?',
        "  4     goals             expected at least 1 item, got none",
        "",
        "scenarios/x.yaml",
        "  (whole file)  expected a mapping, got an empty file",
      ].join("\n"),
    );
  });

  it("shows the message of a known error alone", async () => {
    const error = new DramatisError("port-in-use", "Port 8080 is taken. Choose another with --port.");
    expect(await renderError(error)).toBe("Port 8080 is taken. Choose another with --port.");
  });

  it("shows an unknown error whole, with its causes, and asks to report it", async () => {
    const text = await renderError(new TypeError("x is not a function", { cause: new Error("inner") }));
    expect(text).toContain("Please report it");
    expect(text).toMatch(/TypeError: x is not a function\n +at /);
    expect(text).toMatch(/caused by Error: inner\n +at /);
  });

  it("shows no other field of an unknown error, as clients keep request headers there", async () => {
    const error = Object.assign(new Error("failed"), { headers: { authorization: "Bearer marked-key" } });
    expect(await renderError(error)).not.toContain("marked-key");
  });

  it("ends on an error that causes itself, and shows what is no error at all", async () => {
    const error = new Error("round");
    error.cause = error;
    expect((await renderError(error)).match(/Error: round/g)?.length).toBeLessThanOrEqual(2);
    expect(await renderError("just words")).toContain("'just words'");
  });

  it("neutralises what a message quotes", async () => {
    expect(await renderError(new DramatisError("unknown-name", 'No "\u001B[2J".'))).toBe('No "␛[2J".');
  });

  it("prints no key, whatever quotes it: known patterns and the very key in use", async () => {
    const cause = new Error("POST failed, authorization: Bearer marked-one");
    const unknown = new TypeError("Incorrect API key provided: marked-two. Not sk-marked-three.", { cause });
    expect(await renderError(unknown)).not.toMatch(/marked/);
    expect(await renderError({ headers: { authorization: "Bearer marked-four" } })).not.toMatch(/marked/);
    const own = "a1b2-c3d4-own-key";
    const errors = [new Error(`bad ${own}`), new DramatisError("write-failed", `Cannot write ${own}/x.`)];
    for (const error of errors) {
      const text = await renderError(error, ` ${own}\n`);
      expect(text).not.toContain(own);
      expect(text).toContain("[key removed]");
    }
  });

  it("finds a key that invisible characters divide", async () => {
    expect(await renderError(new Error("sk-\u202Emarked-key"))).not.toContain("marked");
  });

  it("leaves the text readable when the key is a placeholder", async () => {
    expect(await renderError(new DramatisError("port-in-use", "Port 80 is taken."), "a")).toBe(
      "Port 80 is taken.",
    );
  });

  it("says of a conversation that broke off where it did and why", async () => {
    const record = sampleRecord();
    const own = new DramatisError("unknown-name", "The policy chose nobody.");
    expect(await renderError(new ConversationError(record, own))).toBe(
      "The conversation broke off after 4 turns. See the error's cause; its record holds everything until then.\n\nThe policy chose nobody.",
    );
    const text = await renderError(new ConversationError(record, new TypeError("no such thing")));
    expect(text).toMatch(/^The conversation broke off after 4 turns\..*\n\n.*mistake in Dramatis/);
    expect(text).toMatch(/TypeError: no such thing\n +at /);
  });
});
