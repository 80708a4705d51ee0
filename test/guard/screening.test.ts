import { describe, expect, it } from "vitest";
import { screenText, secretFound } from "../../src/guard/screening.ts";
import { SAMPLES } from "./sample-secrets.ts";

const secret = SAMPLES.find(({ kind }) => kind === "GitHub token")?.secret ?? "";
const place = "human input, message 3";
const screen = (text: string, secrets: "block" | "redact" | "warn", mayBeJson = false) =>
  screenText(text, { place, secrets, mayBeJson });

describe("screenText", () => {
  it("lets plain text through as it is", () => {
    const text = "The password policy is no secret.";
    expect(screen(text, "block")).toEqual({ text, notices: [], blocked: undefined });
  });

  it("gives of a blocked text its kinds alone", () => {
    expect(screen(`Use ${secret}.`, "block")).toEqual({ text: "", notices: [], blocked: "GitHub token" });
  });

  it("replaces a secret and says so", () => {
    expect(screen(`Use ${secret}.`, "redact")).toEqual({
      text: "Use [secret removed: GitHub token].",
      notices: [{ place, kind: "GitHub token", action: "removed" }],
      blocked: undefined,
    });
  });

  it("lets a secret pass with a notice", () => {
    const { text, notices } = screen(`Use ${secret}.`, "warn");
    expect(text).toBe(`Use ${secret}.`);
    expect(notices).toEqual([{ place, kind: "GitHub token", action: "sent" }]);
  });

  it("finds a secret that an invisible character was put into", () => {
    const split = `${secret.slice(0, 12)}\u202e${secret.slice(12)}`;
    expect(screen(split, "block").blocked).toBe("GitHub token");
  });

  it("tells of characters it took out", () => {
    expect(screen("a\u202eb", "block")).toEqual({
      text: "ab",
      notices: [{ place, kind: "U+202E (right-to-left override)", action: "removed" }],
      blocked: undefined,
    });
  });

  it("keeps JSON readable when it redacts, also where a secret touches what is around it", () => {
    const database = "mongodb://app:s3same-Open@db.internal/app?x=1";
    const value = {
      passages: [
        { id: "a#1", text: database, score: 1.5 },
        { id: "b#1", text: "Plain." },
      ],
    };
    const { text } = screen(JSON.stringify(value), "redact", true);
    expect(JSON.parse(text)).toEqual({
      passages: [
        { id: "a#1", text: "[secret removed: database password]", score: 1.5 },
        { id: "b#1", text: "Plain." },
      ],
    });
  });

  it("redacts what merely begins like JSON as text", () => {
    expect(screen(`[note] ${secret}`, "redact", true).text).toBe("[note] [secret removed: GitHub token]");
  });
});

describe("the error of a blocked text", () => {
  it("says where and what kind, and what to do", () => {
    const error = secretFound(place, "GitHub token");
    expect(error.code).toBe("secret-found");
    expect(error.message).toBe(
      "Human input, message 3: expected text without secrets, found GitHub token. Nothing was sent. " +
        "Remove it, or set screening.secrets to `redact`.",
    );
  });
});
