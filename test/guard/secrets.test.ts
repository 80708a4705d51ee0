import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { lintSource } from "@secretlint/core";
import { creator as preset, rules } from "@secretlint/secretlint-rule-preset-recommend";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CANDIDATE, MISPLACED_MESSAGES, RULE_KINDS } from "../../src/guard/secret-patterns.ts";
import { findSecrets, redactSecrets } from "../../src/guard/secrets.ts";
import { SAMPLES, sentenceWith } from "./sample-secrets.ts";

const ruleName = (id: string) => id.replace("@secretlint/secretlint-rule-", "");
/** Comments that switch rules off have no place here; Google's rule wants a file, and its key is a private key. */
const NOT_RUN = new Set(["filter-comments", "gcp"]);
const ruleNames = rules.map(({ meta }) => ruleName(meta.id)).filter((name) => !NOT_RUN.has(name));

const named = SAMPLES.map((sample, index) => [`${sample.kind} (${index})`, sample] as const);
const kindsIn = (text: string) => findSecrets(text).map(({ kind }) => kind);

describe("findSecrets", () => {
  it.each(named)("finds a %s in a sentence, from its first character to its last", (_, sample) => {
    const { text, start } = sentenceWith(sample);
    expect(CANDIDATE.test(text)).toBe(true);
    const found = findSecrets(text);
    expect(found.map(({ kind }) => kind)).toEqual([sample.kind]);
    expect([found[0]?.start, found[0]?.end]).toEqual([start, start + sample.secret.length]);
  });

  it.each(named)("finds a %s in a JSON string", (_, sample) => {
    const { text } = sentenceWith(sample);
    expect(kindsIn(JSON.stringify({ passages: [{ text }] }))).toEqual([sample.kind]);
  });

  it("knows a sample and a name for every rule of the preset", () => {
    expect([...new Set(SAMPLES.flatMap(({ rule }) => rule ?? []))].sort()).toEqual([...ruleNames].sort());
    expect(ruleNames.filter((name) => RULE_KINDS[name] === undefined)).toEqual([]);
  });

  it.each(named.filter(([, { rule }]) => rule !== undefined))(
    "finds of a %s what secretlint's own engine finds",
    async (_, sample) => {
      const { text } = sentenceWith(sample);
      const { messages } = await lintSource({
        source: { filePath: "a.txt", content: text, contentType: "text" },
        options: { config: { rules: [{ id: preset.meta.id, rule: preset }] }, noPhysicFilePath: true },
      });
      expect(messages.map(({ ruleId }) => ruleName(ruleId))).toContain(sample.rule);
      const found = findSecrets(text);
      for (const { range, messageId } of messages) {
        if (MISPLACED_MESSAGES.has(messageId)) continue;
        expect(found.some(({ start, end }) => start <= range[0] && end >= range[1])).toBe(true);
      }
    },
  );

  it("is not told to look away by a comment", () => {
    const [sample] = SAMPLES;
    expect(kindsIn(`secretlint-disable\n${sample?.secret}`)).toEqual(["OpenAI key"]);
  });

  it("finds all of several, in their order", () => {
    const text = SAMPLES.map((sample) => sentenceWith(sample).text).join("\n\n");
    expect(kindsIn(text)).toEqual(SAMPLES.map(({ kind }) => kind));
  });

  it.each([
    [
      "prose",
      "The password policy, the API key question and the secret sauce: who holds the access key to it?",
    ],
    [
      "prose that names variables",
      "Set OPENAI_API_KEY, AWS_SECRET_ACCESS_KEY and a client secret; password: required.",
    ],
    ["a SHA-256 hash", "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    [
      "a base64 hash",
      'integrity="sha256-47DEQpj8HBSaTImW5JCeuQeRkm5NMpJWZG3hSuFUxyA=" and n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=',
    ],
    [
      "a commit and a UUID",
      "see 3b337cdf00aa4b5c6d7e8f901234567890abcdef and 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    ],
    [
      "a long address",
      `https://example.com/${"a1B2c3/".repeat(60)}?q=${"x1Y2".repeat(40)}&mail=me@example.com`,
    ],
    ["a mail address after a link", "Read https://example.com:8080/path and write to ann@example.com."],
    ["a database address without a password", "postgres://db.internal:5432/app?user=app"],
    ["a template", "https://{{user}}:{{password}}@example.com and postgres://app:{{password}}@db/app"],
    ["AWS's own example", "AKIAIOSFODNN7EXAMPLE is the id of the documentation"],
    [
      "words that begin like keys",
      "sk-learn-based-approaches-to-clustering, task-force-one-hundred-and-twenty, risk-adjusted-returns-2024-2025",
    ],
    [
      "the names of prefixes",
      "Tokens begin with ghp_, sk-, xoxb-, AKIA, AIza or eyJ; npm_config_registry and hf_hub are no keys.",
    ],
    [
      "the head of a key alone",
      "-----BEGIN PRIVATE KEY----- marks where a key begins; -----BEGIN CERTIFICATE----- a certificate.",
    ],
    ["two parts of base64 JSON", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0 without a signature"],
  ])("finds nothing in %s", (_, text) => {
    expect(kindsIn(text)).toEqual([]);
  });

  it("finds nothing in anything that comes with the package", () => {
    const root = join(import.meta.dirname, "..", "..");
    const files = ["scenarios", "personas", "knowledge", "schemas", "src", "tools"].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(yaml|md|json|ts)$/.test(name))
        .map((name) => join(folder, name)),
    );
    expect(files.length).toBeGreaterThan(150);
    expect(files.filter((file) => findSecrets(readFileSync(join(root, file), "utf8")).length > 0)).toEqual(
      [],
    );
  });

  it.each([
    ["keys that begin and never end", "-----BEGIN PRIVATE KEY-----\n"],
    ["addresses", "https://a:b"],
    ["database addresses", "mongodb://a:"],
    ["half keys", "SG.aaaaaaaaaa."],
    ["dots of tokens", "eyJaaaaaaaa."],
    ["beginnings of tokens", "eyJ"],
    ["slack parts", "xoxb-a-"],
    ["GitHub parts", "ghs_1_a."],
    ["one run of letters", "sk-aaaaaaaaaaaaaaaaaaa"],
    ["base64 lines", `-----BEGIN PRIVATE KEY-----${"A".repeat(64)}\n`],
  ])(
    "takes time that grows with the text, not with its square: %s",
    (_, part) => {
      const text = part.repeat(Math.ceil(1_000_000 / part.length));
      expect(() => findSecrets(text)).not.toThrow();
    },
    8_000,
  );
});

describe("redactSecrets", () => {
  const filler = fc
    .string({ unit: "grapheme", maxLength: 200 })
    .filter((text) => findSecrets(text).length === 0);

  it("leaves no secret, and everything else as it was", () => {
    fc.assert(
      fc.property(filler, filler, fc.constantFrom(...SAMPLES), (before, after, sample) => {
        const { text, start } = sentenceWith(sample, `${before} `);
        const redacted = redactSecrets(`${text} ${after}`);
        expect(findSecrets(redacted)).toEqual([]);
        const rest = `${text} ${after}`.slice(start + sample.secret.length);
        expect(redacted).toBe(`${text.slice(0, start)}[secret removed: ${sample.kind}]${rest}`);
      }),
      { numRuns: 300 },
    );
  });

  it("leaves no secret when several touch each other", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...SAMPLES), { minLength: 2, maxLength: 4 }), (samples) => {
        const redacted = redactSecrets(samples.map(({ secret }) => secret).join(""));
        expect(findSecrets(redacted)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("leaves a text without a secret as it is", () => {
    fc.assert(fc.property(filler, (text) => redactSecrets(text) === text));
  });
});
