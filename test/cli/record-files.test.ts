import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { prepareFolder, prepareLog, writeRecord } from "../../src/cli/record-files.ts";
import { sampleRecord } from "../report/sample-record.ts";

const root = mkdtempSync(join(tmpdir(), "dramatis-record-"));
let folder = root;
let made = 0;
beforeEach(() => {
  folder = join(root, String(++made));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const NAMES = ["conversation.json", "messages.jsonl", "transcript.md"];
const record = (conversationId: string) => ({ ...sampleRecord(), conversationId });
const idIn = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8")).conversationId;

describe("the record's files", () => {
  it("are three, and nothing else is left in the folder", () => {
    prepareFolder(folder);
    const { files, problem } = writeRecord(record("first"), folder);
    expect(problem).toBeUndefined();
    expect(files.map((file) => file.slice(folder.length + 1)).sort()).toEqual(NAMES);
    expect(readdirSync(folder).sort()).toEqual(NAMES);
  });

  it("of an earlier run in the same folder are kept under other names", () => {
    prepareFolder(folder);
    for (const id of ["first", "second", "third"]) writeRecord(record(id), folder);
    expect(["conversation.json", "old-1-conversation.json", "old-2-conversation.json"].map(idIn)).toEqual([
      "third",
      "first",
      "second",
    ]);
  });

  it("go to the folder for temporary files when theirs cannot take them, and leave an earlier record whole", () => {
    prepareFolder(folder);
    writeRecord(record("first"), folder);
    mkdirSync(join(folder, ".messages.jsonl.part")); // Stands in the way of the second file, as a full disk would.
    const { files, problem } = writeRecord(record("second"), folder);
    expect(problem).toMatchObject({ code: "write-failed", message: expect.stringContaining(folder) });
    expect(
      JSON.parse(readFileSync(files.find((file) => file.endsWith(".json")) ?? "", "utf8")).conversationId,
    ).toBe("second");
    expect(idIn("conversation.json")).toBe("first");
    for (const file of files) rmSync(file);
  });

  it("are written through no link that lies in their folder", () => {
    mkdirSync(folder);
    const precious = join(root, "precious");
    writeFileSync(precious, "precious");
    const links = [".dramatis-probe", ".transcript.md.part", "messages.jsonl"];
    for (const name of links) symlinkSync(precious, join(folder, name));
    prepareFolder(folder);
    expect(writeRecord(record("first"), folder).problem).toBeUndefined();
    expect(readFileSync(precious, "utf8")).toBe("precious");
    for (const name of NAMES) expect(lstatSync(join(folder, name)).isFile()).toBe(true);
  });

  it("are refused before anything is paid where no folder can be made", () => {
    writeFileSync(join(root, "a-file"), "");
    expect(() => prepareFolder(join(root, "a-file", "inside"))).toThrow(/Name another with --out/);
  });
});

describe("a log that was named", () => {
  it("is made sure of before anything is paid, and is not left behind empty", () => {
    prepareFolder(folder);
    prepareLog(join(folder, "logs/attempts.jsonl"));
    expect(readdirSync(join(folder, "logs"))).toEqual([]);
    writeFileSync(join(folder, "earlier.jsonl"), "{}\n");
    prepareLog(join(folder, "earlier.jsonl"));
    expect(readFileSync(join(folder, "earlier.jsonl"), "utf8")).toBe("{}\n");
  });

  it("is refused where it cannot be written", () => {
    prepareFolder(folder);
    writeFileSync(join(folder, "file"), "");
    expect(() => prepareLog(folder)).toThrow(/it is a folder, not a file\. Name another with --log/);
    expect(() => prepareLog(join(folder, "file/attempts.jsonl"))).toThrow(/Cannot write the log .*EEXIST/);
  });
});
