import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type CatalogInput, loadCatalog, parseCatalog, resolveCatalog } from "../../src/catalog/catalog.ts";
import { DramatisError, formatProblem, InvalidFilesError } from "../../src/domain/errors.ts";
import { MAX_FILE_BYTES } from "../../src/domain/yaml-source.ts";

function fileWith(text: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "dramatis-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "models.yaml"), text);
  return join(folder, "models.yaml");
}
const linesOf = (text: string) => {
  const parsed = parseCatalog(text, "f");
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
};

describe("the shipped catalog", () => {
  // Dollars per million tokens, from the provider's price list: input, cached input, output; then the limits, and what it takes.
  it.each([
    ["gpt-5", 1.25, 0.125, 10, 400_000, 128_000, true, true, true],
    ["gpt-5-mini", 0.25, 0.025, 2, 400_000, 128_000, true, true, true],
    ["gpt-5-nano", 0.05, 0.005, 0.4, 400_000, 128_000, true, true, true],
    ["gpt-4.1", 2, 0.5, 8, 1_047_576, 32_768, false, true, false],
    ["gpt-4.1-mini", 0.4, 0.1, 1.6, 1_047_576, 32_768, false, true, false],
    ["gpt-4.1-nano", 0.1, 0.025, 0.4, 1_047_576, 32_768, false, true, false],
    ["o4-mini", 1.1, 0.275, 4.4, 200_000, 100_000, true, false, true],
    ["o3", 2, 0.5, 8, 200_000, 100_000, true, false, true],
  ])(
    "knows %s",
    (id, input, cachedInput, output, contextWindow, maxOutput, reasons, parallelToolCalls, flex) => {
      expect(loadCatalog().model(id)).toEqual({
        id,
        price: { input, cachedInput, output },
        batchFactor: 0.5,
        flex,
        contextWindow,
        maxOutput,
        encoding: "o200k_base",
        reasons,
        parallelToolCalls,
        structured: "json-schema",
      });
    },
  );

  it("holds these eight models and no other", () => {
    expect(loadCatalog().models.size).toBe(8);
  });

  it("chooses the strong model for reasoning and high complexity, the middle one for creative personas", () => {
    expect(loadCatalog().selection).toEqual([
      { when: { requiresReasoning: true }, use: "gpt-4.1" },
      { when: { complexity: "high" }, use: "gpt-4.1" },
      { when: { kind: "creative" }, use: "gpt-4.1-mini" },
      { when: {}, use: "gpt-4.1-nano" },
    ]);
  });
});

describe("model", () => {
  it("gives a dated snapshot its base model's entry under its own id", () => {
    const catalog = loadCatalog();
    expect(catalog.model("gpt-4.1-mini-2025-04-14")).toEqual({
      ...catalog.model("gpt-4.1-mini"),
      id: "gpt-4.1-mini-2025-04-14",
    });
  });

  it("prefers a snapshot's own entry", () => {
    const file = fileWith("models:\n  o3-2025-04-16: { contextWindow: 1, maxOutput: 1 }\n");
    expect(loadCatalog(file).model("o3-2025-04-16").price).toBeUndefined();
  });

  it.each([
    ["gpt4.1", /expected a model of the catalog, got "gpt4\.1" \(did you mean gpt-4\.1\?\)/],
    ["claude", /got "claude" \(known: gpt-5, .*o3\)/],
    ["", /got empty text/],
    ["gpt-4.1-2025", /got "gpt-4\.1-2025"/],
  ])("refuses %j with near names", (id, message) => {
    const ask = () => loadCatalog().model(id);
    expect(ask).toThrow(message);
    expect(ask).toThrow(expect.objectContaining({ code: "unknown-name" }));
    expect(ask).toThrow(DramatisError);
  });
});

describe("find", () => {
  it("gives what model gives, and nothing for a model that is not there", () => {
    const catalog = loadCatalog();
    for (const id of ["gpt-4.1", "gpt-4.1-mini-2025-04-14"]) {
      expect(catalog.find(id)).toEqual(catalog.model(id));
      expect(catalog.find(id)?.id).toBe(id);
    }
    for (const id of ["", "gpt-9", "gpt-9-2025-04-14", "constructor"])
      expect(catalog.find(id)).toBeUndefined();
  });
});

describe("resolveCatalog", () => {
  it("gives the catalog that a file of the same content gives", () => {
    const input: CatalogInput = {
      models: { "gpt-4.1": { price: { input: 1.5 } }, mine: { contextWindow: 8192, maxOutput: 2048 } },
      selection: [{ when: { complexity: "low" }, use: "mine" }, { use: "gpt-4.1" }],
    };
    const parsed = parseCatalog(JSON.stringify(input), "f");
    const catalog = resolveCatalog(input);
    expect(parsed.ok && [...parsed.value.models]).toEqual([...catalog.models]);
    expect(parsed.ok && parsed.value.selection).toEqual(catalog.selection);
    expect(catalog.model("gpt-4.1").price).toEqual({ input: 1.5, cachedInput: 0.5, output: 8 });
  });

  it("takes undefined for what is left out", () => {
    const catalog = resolveCatalog({
      models: { o3: { price: undefined, reasons: undefined } },
      selection: undefined,
    });
    expect([...catalog.models]).toEqual([...loadCatalog().models]);
    expect(catalog.selection).toEqual(loadCatalog().selection);
  });

  it("reports problems in <catalog>", () => {
    expect(() =>
      resolveCatalog({ models: { mine: { maxOutput: 0 } }, selection: [{ use: "mines" }] }),
    ).toThrow(
      /<catalog> models\.mine\.contextWindow: expected .*, got nothing[\s\S]*<catalog> models\.mine\.maxOutput: expected a whole number of at least 1, got number 0\n<catalog> selection\[0\]\.use: expected a model of the catalog, got "mines" \(did you mean mine\?\)/,
    );
  });

  it("gives each caller a catalog of its own", () => {
    const first = resolveCatalog({}).model("gpt-4.1");
    if (first.price) first.price.input = 0;
    expect(resolveCatalog({}).model("gpt-4.1").price?.input).toBe(2);
  });
});

describe("a user's catalog", () => {
  it("overrides single fields and keeps the others", () => {
    const file = fileWith("models:\n  gpt-4.1:\n    price: { input: 1.5 }\n    maxOutput: 1000\n");
    expect(loadCatalog(file).model("gpt-4.1")).toEqual({
      ...loadCatalog().model("gpt-4.1"),
      price: { input: 1.5, cachedInput: 0.5, output: 8 },
      maxOutput: 1000,
    });
    expect(loadCatalog(file).selection).toEqual(loadCatalog().selection);
  });

  it("adds models, whose price may be unknown", () => {
    const file = fileWith(
      "models:\n  local-7b: { contextWindow: 8192, maxOutput: 2048, structured: json-mode }\n",
    );
    const catalog = loadCatalog(file);
    expect(catalog.models.size).toBe(9);
    expect(catalog.model("local-7b")).toEqual({
      id: "local-7b",
      contextWindow: 8192,
      maxOutput: 2048,
      structured: "json-mode",
      batchFactor: 1,
      flex: false,
      encoding: "o200k_base",
      reasons: false,
      parallelToolCalls: true,
    });
  });

  it("replaces the selection rules as a whole", () => {
    const file = fileWith(
      "selection:\n  - when: { complexity: low }\n    use: gpt-5-nano\n  - use: gpt-5-2025-08-07\n",
    );
    expect(loadCatalog(file).selection).toEqual([
      { when: { complexity: "low" }, use: "gpt-5-nano" },
      { when: {}, use: "gpt-5-2025-08-07" },
    ]);
  });

  it("gets every problem reported at its line", () => {
    const text = [
      "models:",
      "  gpt-4.1: { price: { input: cheap } }",
      "  mine: { contextWindow: 8000, reason: true }",
      "selection:",
      "  - use: gpt-6",
      "  - when: { kind: creativ }",
      "    use: mine",
    ].join("\n");
    expect(linesOf(text)).toEqual([
      'f:2:30 models["gpt-4.1"].price.input: expected a number of at least 0, got "cheap"',
      "f:3:3 models.mine.maxOutput: expected a whole number of at least 1, got nothing (Tokens.)",
      'f:3:32 models.mine.reason: expected a known key, got "reason" (did you mean reasons?)',
      'f:5:10 selection[0].use: expected a model of the catalog, got "gpt-6" (did you mean gpt-5 or gpt-4.1?)',
      "f:6:5 selection[1]: expected a last rule without `when`, for whatever the others leave, got a mapping with kind",
      'f:6:19 selection[1].when.kind: expected one of analytical, creative, pragmatic, empathetic, skeptical, visionary, got "creativ" (did you mean creative?)',
    ]);
  });

  it.each([
    [
      "selection: []\n",
      "f:1:1 selection: expected a last rule without `when`, for whatever the others leave, got an empty list",
    ],
    ["models: [gpt-4.1]\n", "f:1:1 models: expected a mapping, got a list of 1"],
    ["", "f:1:1: expected a mapping, got nothing"],
    [
      "models:\n  o3: { price: free }\n",
      'f:2:16 models.o3.price: expected a mapping with input, output, got "free"',
    ],
  ])("refuses %j", (text, line) => {
    expect(linesOf(text)).toEqual([line]);
  });

  it("cannot reach the prototype of an object through its keys", () => {
    parseCatalog("models:\n  __proto__: { polluted: true }\n__proto__: { polluted: true }\n", "f");
    expect({}).not.toHaveProperty("polluted");
  });

  it("that is missing or no text is a problem of the file", () => {
    const message = (file: string) => {
      try {
        loadCatalog(file);
        return "";
      } catch (error) {
        return error instanceof InvalidFilesError ? error.message : "another error";
      }
    };
    expect(message("/nowhere/models.yaml")).toContain("expected a catalog that may be read, got nothing");
    expect(message("/")).toContain("expected a catalog file, got a folder");
    expect(message("/dev/null")).toContain("expected a catalog file, got a device or a pipe");
    expect(message(fileWith(" ".repeat(MAX_FILE_BYTES + 1)))).toContain(
      "expected at most 1000000 bytes, got 1000001 bytes",
    );
    expect(message(fileWith(Uint8Array.of(0xff, 0xfe, 0x41, 0)))).toContain("expected UTF-8 text");
  });
});
