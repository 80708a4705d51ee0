import { describe, expect, it } from "vitest";
import { formatProblem } from "../../src/domain/errors.ts";
import { decodeText, MAX_FILE_BYTES, readYaml } from "../../src/domain/yaml-source.ts";

describe("readYaml", () => {
  it("gives the data and where each part of it stands", () => {
    const { data, problems, locate } = readYaml("a:\n  - b: 1\n", "f");
    expect({ data, problems }).toEqual({ data: { a: [{ b: 1 }] }, problems: [] });
    expect(locate(["a", 0, "b"])).toEqual({ line: 2, column: 8 });
    expect(locate(["a", 0, "b"], "key")).toEqual({ line: 2, column: 5 });
    expect(locate(["a", 0, "missing"])).toEqual({ line: 2, column: 5 });
  });

  it("reads what stands before a mapping as a key, unless there are many", () => {
    const template = "id: a\ntopic: {{ topic }}\n";
    expect(readYaml(template, "f")).toMatchObject({ data: { id: "a" }, damagedFrom: 2 });
    expect(readYaml(template + "{".repeat(9), "f")).toMatchObject({ data: undefined, damagedFrom: 1 });
  });

  it("leaves the process's stack traces as they were", () => {
    const before = Error.stackTraceLimit;
    readYaml("]]]", "f");
    expect(Error.stackTraceLimit).toBe(before);
    expect(before).toBeGreaterThan(0);
  });
});

describe("decodeText", () => {
  it("drops a byte-order mark", () => {
    expect(decodeText(new TextEncoder().encode("\uFEFFa: 1"), "f")).toEqual({ ok: true, value: "a: 1" });
  });

  it("refuses bytes that are no UTF-8, and says on which line they are", () => {
    const bytes = Uint8Array.from([...Buffer.from("a: 1\nb: caf"), 0xe9, 0x0a]);
    const decoded = decodeText(bytes, "f");
    expect(decoded.ok ? [] : decoded.problems.map(formatProblem)).toEqual([
      "f:2: expected UTF-8 text, got other bytes (save the file as UTF-8)",
    ]);
  });

  it("refuses a file above the limit, and takes one at the limit", () => {
    expect(decodeText(new Uint8Array(MAX_FILE_BYTES + 1).fill(32), "f").ok).toBe(false);
    expect(decodeText(new Uint8Array(MAX_FILE_BYTES).fill(32), "f").ok).toBe(true);
  });
});
