import { describe, expect, it } from "vitest";
import { DramatisError, formatProblem, InvalidFilesError, type Problem } from "../../src/domain/errors.ts";

const problem: Problem = { file: "a.yaml", path: "cast[2].name", expected: "text", got: "number 3" };

describe("problems of a file", () => {
  it("are told with file, line, column, path, expected and got", () => {
    expect(formatProblem({ ...problem, line: 12, column: 5 })).toBe(
      "a.yaml:12:5 cast[2].name: expected text, got number 3",
    );
  });

  it("leave out a place that is not known and add a hint that is", () => {
    expect(formatProblem({ ...problem, path: "", hint: "put it in quotes" })).toBe(
      "a.yaml: expected text, got number 3 (put it in quotes)",
    );
  });
});

describe("errors", () => {
  it("carry a code to decide by, their cause and their class's name", () => {
    const cause = new Error("EACCES");
    const error = new DramatisError("write-failed", "Could not write.", { cause });
    expect(error).toMatchObject({ name: "DramatisError", code: "write-failed", cause });
    expect(error).toBeInstanceOf(Error);
  });

  it("of files hold every problem of all files, one a line, and count them", () => {
    const problems = [problem, { ...problem, file: "b.yaml" }, { ...problem, path: "id" }];
    const error = new InvalidFilesError(problems);
    expect(error).toBeInstanceOf(DramatisError);
    expect(error).toMatchObject({ name: "InvalidFilesError", code: "invalid-file", problems });
    expect(error.message.split("\n")).toEqual(["3 problems in 2 files:", ...problems.map(formatProblem)]);
  });

  it("of one problem are written in the singular", () => {
    expect(new InvalidFilesError([problem]).message).toMatch(/^1 problem in 1 file:\n/);
  });
});
