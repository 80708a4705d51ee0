/** Errors help: the user's with what to do, ours with what a report needs. */
import { describe, expect, it } from "vitest";
import { renderError } from "../../../src/cli/screen/error.ts";
import { DramatisError, InvalidFilesError } from "../../../src/domain/errors.ts";

describe("renderError", () => {
  it("lists the problems of files by file, aligned, with hints under them", () => {
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
    expect(renderError(error)).toBe(
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

  it("shows the message of a known error alone", () => {
    const error = new DramatisError("port-in-use", "Port 8080 is taken. Choose another with --port.");
    expect(renderError(error)).toBe("Port 8080 is taken. Choose another with --port.");
  });

  it("shows an unknown error whole, with its causes, and asks to report it", () => {
    const text = renderError(new TypeError("x is not a function", { cause: new Error("inner") }));
    expect(text).toContain("Please report it");
    expect(text).toMatch(/TypeError: x is not a function\n +at /);
    expect(text).toMatch(/caused by Error: inner\n +at /);
  });

  it("shows no other field of an unknown error, as clients keep request headers there", () => {
    const error = Object.assign(new Error("failed"), { headers: { authorization: "Bearer marked-key" } });
    expect(renderError(error)).not.toContain("marked-key");
  });

  it("ends on an error that causes itself, and shows what is no error at all", () => {
    const error = new Error("round");
    error.cause = error;
    expect(renderError(error).match(/Error: round/g)?.length).toBeLessThanOrEqual(2);
    expect(renderError("just words")).toContain("'just words'");
  });

  it("neutralises what a message quotes", () => {
    expect(renderError(new DramatisError("unknown-name", 'No "\u001B[2J".'))).toBe('No "␛[2J".');
  });
});
