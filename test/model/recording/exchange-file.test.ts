/** Recordings come from anybody: what is damaged is refused with its line. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidFilesError } from "../../../src/domain/errors.ts";
import { readExchangeFile } from "../../../src/model/recording/exchange-file.ts";
import { createRecorder } from "../../../src/model/recording/recorder.ts";
import { temporaryFolders } from "../../vault/temporary-vault.ts";
import { completion, exchange } from "../sample-exchange.ts";

const folder = temporaryFolders()();
let made = 0;

async function recording(): Promise<string> {
  const file = join(folder, `whole-${made++}.jsonl`);
  const recorder = createRecorder({ file, transport: "offline", apiKey: undefined, clock: () => 1000 });
  recorder.begin({ scenario: "talk", seed: 7, context: {} });
  await recorder.around(async () => completion("Fix exports."))(exchange());
  recorder.end("completed");
  return readFileSync(file, "utf8");
}
const whole = await recording();
const [header = "", run = "", exchanged = "", end = ""] = whole.trimEnd().split("\n");

function read(text: string | Uint8Array) {
  const file = join(folder, `other-${made++}.jsonl`);
  writeFileSync(file, text);
  return readExchangeFile(file);
}

it("reads what was written", () => {
  expect(read(whole)).toMatchObject({
    header: { transport: "offline" },
    runs: [{ scenario: "talk", seed: 7 }],
    exchanges: [{ turn: 1, completion: completion("Fix exports.") }],
    status: "completed",
  });
});

describe("a file that is none, or damaged", () => {
  const nested = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const deep = `{"kind":"exchange","request":{"a":${nested}}}`;
  it.each([
    ["an empty file", "", /:1: expected a recording made with --record, got an empty file/],
    ["another file", '{"version":1}\n', /:1: .*first line of another kind of file/],
    ["another version", `${header.replace('"version":1', '"version":2')}\n`, /:1 version: .*got number 2/],
    ["no JSON", `${header}\n${run}\nhello\n`, /:3: .*no JSON/],
    ["an empty line", `${header}\n\n${run}\n`, /:2: /],
    [
      "a last line that breaks off",
      `${header}\n${exchanged.slice(0, 100)}`,
      /:2: .*breaks off.*can be replayed/,
    ],
    ["a changed request", `${header}\n${exchanged.replace("You are Ada", "You are Eve")}\n`, /:2 request: /],
    ["no answer", `${header}\n${exchanged.replace('"completion"', '"completeon"')}\n`, /:2.*completeon/],
    [
      "an answer without a choice",
      `${header}\n${exchanged.replace(/"choices":\[.*?\}\]/, '"choices":[]')}\n`,
      /:2 completion\.choices/,
    ],
    [
      "an unknown purpose",
      `${header}\n${exchanged.replace('"purpose":"turn"', '"purpose":"x"')}\n`,
      /:2 purpose/,
    ],
    ["two headers", `${header}\n${header}\n`, /:2: .*second header/],
    ["no header", `${end}\n`, /:1: .*another kind of file/],
    ["something nested", `${header}\n${deep}\n`, /:2/],
    [
      "a run with something nested",
      `${header}\n${run.replace('"context":{', `"context":{"a":${nested}`)}\n`,
      /:2: .*deeply/,
    ],
    ["a time that is none", `${header}\n${run.replace('"at":1000', '"at":8640000000000001')}\n`, /:2 at/],
  ])("%s", (_, text, message) => {
    expect(() => read(text)).toThrow(InvalidFilesError);
    expect(() => read(text)).toThrow(message);
  });

  it("text that is not UTF-8", () => {
    const bytes = Buffer.concat([Buffer.from(`${header}\n"`), Buffer.from([0xff, 0xfe]), Buffer.from('"\n')]);
    expect(() => read(bytes)).toThrow(/:2: /);
  });

  it("a folder, and nothing at all", () => {
    expect(() => readExchangeFile(folder)).toThrow(/got a folder/);
    expect(() => readExchangeFile(join(folder, "missing.jsonl"))).toThrow(/got nothing/);
  });

  it("a line or a file beyond its bounds", () => {
    const long = JSON.stringify({ kind: "run", scenario: "x".repeat(17 * 2 ** 20) });
    expect(() => read(`${header}\n${long}\n`)).toThrow(/:2: .*bytes/);
  });

  it("is never read as something else, wherever it is cut or changed", () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 32, max: 126 }), (place, code) => {
        const text = whole.slice(0, place) + String.fromCharCode(code) + whole.slice(place + 1);
        for (const damaged of [text, whole.slice(0, place)]) {
          try {
            read(damaged);
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidFilesError);
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
