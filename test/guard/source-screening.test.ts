/** Screening of files and of data from code: places, policies, and that no message quotes a secret. */
import { describe, expect, it } from "vitest";
import { readValue, readYaml } from "../../src/domain/yaml-source.ts";
import { createFileScreening, screenBody, screenSource } from "../../src/guard/source-screening.ts";
import { SAMPLES } from "./sample-secrets.ts";

const token = SAMPLES.find(({ kind }) => kind === "GitHub token")?.secret ?? "";
const key = SAMPLES.find(({ kind }) => kind === "private key")?.secret ?? "";
const screen = (text: string, secrets: "block" | "redact" | "warn" = "block") => {
  const screening = createFileScreening(secrets);
  return { ...screenSource(readYaml(text, "a.yaml"), screening), notices: screening.notices };
};
const places = (text: string) =>
  screen(text).problems.map(({ line, column, path }) => `${line}:${column} ${path}`);

describe("screenSource", () => {
  it.each([
    ["in a plain value", `id: a\ntopic: Use ${token} now`, "2:12 topic"],
    ["in a folded block", `id: a\ntopic: >\n  First line.\n  Then ${token} now.`, "4:8 topic"],
    ["in a list of mappings", `cast:\n  - goals:\n      - ${token}`, "3:9 cast[0].goals[0]"],
    ["of many lines", `topic: |\n  Key:\n${key.replace(/^/gm, "  ")}\n`, "3:3 topic"],
    ["as a key", `a:\n  ${token}: 1`, "2:3 a.[secret removed: GitHub token]"],
  ])("finds a secret %s at its line and column", (_, text, place) => {
    expect(places(text)).toEqual([place]);
  });

  it("finds a secret that YAML writes with an escape, at the value's place", () => {
    expect(places(`topic: "gh\\x70${token.slice(3)}"`)).toEqual(["1:8 topic"]);
  });

  it("says what kind it is and what to do, never what it is", () => {
    const { problems, source } = screen(`id: ${token}\n${token}: x\nb: [${token}`);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatchObject({ expected: "text without secrets", got: "a secret: GitHub token" });
    expect(JSON.stringify([problems, source.problems, source.data])).not.toContain(token.slice(4, 12));
  });

  it("does not quote a line with a secret that is no YAML", () => {
    const { source } = screen(`a: ${token.slice(0, 20)}${token.slice(20)}: : [\n`);
    expect(source.problems.length).toBeGreaterThan(0);
    expect(JSON.stringify(source.problems)).not.toContain(token.slice(4, 12));
  });

  it("replaces secrets and notes where, or lets them pass and notes that", () => {
    const text = `id: a\ntopic: Use ${token} now`;
    expect(screen(text, "redact")).toMatchObject({
      source: { data: { topic: "Use [secret removed: GitHub token] now" } },
      problems: [],
      notices: [{ place: "a.yaml:2:12", kind: "GitHub token", action: "removed" }],
    });
    expect(screen(text, "warn")).toMatchObject({
      source: { data: { topic: `Use ${token} now` } },
      problems: [],
      notices: [{ place: "a.yaml:2:12", kind: "GitHub token", action: "sent" }],
    });
  });

  it.each([
    ["as it is", "topic: a\u202eb", "1:9 "],
    ["in a comment", "# \u2066\ntopic: a", "1:3 "],
    ["as an escape", 'id: a\ntopic: "a\\u202eb"', "2:8 topic"],
  ])("refuses an odd character %s, whatever the policy", (_, text, place) => {
    expect(places(text)).toEqual([place]);
    expect(screen(text, "warn").problems[0]?.got).toMatch(/^U\+20(2E|66) \(/);
  });

  it("gives data from code its path as its place", () => {
    const screening = createFileScreening("redact");
    const shared = { note: token };
    const value = { personas: [shared, shared] };
    const { source } = screenSource(readValue(value, "<scenario>"), screening);
    expect(screening.notices).toEqual([
      { place: "<scenario>:personas[0].note", kind: "GitHub token", action: "removed" },
    ]);
    const removed = { note: "[secret removed: GitHub token]" };
    expect(source.data).toEqual({ personas: [removed, removed] });
    expect(value.personas[0]?.note).toBe(token);
  });

  it("gives data without a finding back as it is, and bears data that holds itself", () => {
    const value: Record<string, unknown> = { topic: "Ferries" };
    value.self = value;
    const { source, problems } = screenSource(readValue(value, "<scenario>"), createFileScreening());
    expect(source.data).toBe(value);
    expect(problems).toEqual([]);
  });

  it("tells of 50 findings a file and soon", () => {
    const text = `list:\n${`  - ${token}\n`.repeat(20_000)}`;
    expect(screen(text).problems).toHaveLength(50);
  }, 8_000);
});

describe("screenBody", () => {
  it("finds secrets and characters at their line and column, counted on from the first line", () => {
    const screening = createFileScreening();
    const text = `# Title\n\nUse ${token}.\nOdd: \u0007\n`;
    const { problems, text: rest } = screenBody(text, { file: "a.md", line: 4, screening });
    expect(problems.map(({ line, column, got }) => `${line}:${column} ${got}`)).toEqual([
      "7:6 U+0007 (bell)",
      "6:5 a secret: GitHub token",
    ]);
    expect(rest).not.toContain(token);
  });
});
