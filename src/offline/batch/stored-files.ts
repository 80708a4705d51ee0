/**
 * Uploaded files and the ones that batches put out, in memory. They expire on the clock; and when all of them together
 * are too large, those that were used already go before their time: first the inputs of batches that are over, then
 * what batches put out, the oldest first. What no batch has read yet is never dropped.
 */
import { ApiError, badRequest } from "../api-error.ts";
import { type Page, type PageRules, pageOf } from "../page.ts";

export type StoredPurpose = "batch" | "batch_output";

/** A file as the provider describes it. */
export interface FileOnWire {
  object: "file";
  id: string;
  /** Of its content. */
  bytes: number;
  /** Seconds since 1970, as all times on the wire. */
  created_at: number;
  expires_at: number;
  filename: string;
  purpose: StoredPurpose;
  status: "processed";
  status_details: null;
}

export interface NewFile {
  filename: string;
  purpose: StoredPurpose;
  content: Uint8Array<ArrayBuffer>;
  /** Milliseconds since 1970. */
  createdMs: number;
  /** Undefined: 30 days. */
  expiresAfterSeconds: number | undefined;
}

export interface StoredFile {
  readonly id: string;
  readonly wire: FileOnWire;
  readonly content: Uint8Array<ArrayBuffer>;
}

export interface StoredFiles {
  /** Throws an `ApiError` for an upload that does not fit beside what has to stay; what batches put out always fits. */
  add(file: NewFile): StoredFile;
  /** Undefined when there is none, or none any more; `atMs` default now. */
  find(id: string, atMs?: number): StoredFile | undefined;
  /** Like `find`; throws the provider's 404. */
  get(id: string): StoredFile;
  delete(id: string): void;
  list(query: FileQuery): Page<FileOnWire>;
  /** A batch reads this file: until it is released as often, it is not dropped. */
  hold(id: string): void;
  release(id: string): void;
  clear(): void;
}

export interface FileQuery {
  limit?: string | undefined;
  after?: string | undefined;
  order?: string | undefined;
  purpose?: string | undefined;
}

/** The provider's: files of batches live for 30 days. */
const USUAL_LIFE_S = 30 * 24 * 60 * 60;
/** Of all files together. */
const MEMORY_BYTES = 1_000_000_000;
const ID_DIGITS = 6;
const PAGES: PageRules = { noun: "file", usual: 10_000, most: 10_000 };

interface Entry extends StoredFile {
  expiresMs: number;
  holders: number;
  /** Whether a batch is done with it. */
  isSpent: boolean;
}

function checkOrder(order: string | undefined): "asc" | "desc" {
  if (order === undefined || order === "desc") return "desc";
  if (order === "asc") return "asc";
  throw badRequest(
    `Invalid value: '${order}'. Supported values are: 'asc' and 'desc'.`,
    "order",
    "invalid_value",
  );
}

export interface StoredFilesOptions {
  clock: () => number;
  /** Tells the ids of one server from those of another. */
  mark: string;
  /** Bytes of all files together; default 1,000,000,000. */
  memoryBytes?: number | undefined;
}

export function createStoredFiles(options: StoredFilesOptions): StoredFiles {
  const { clock, mark, memoryBytes = MEMORY_BYTES } = options;
  /** Oldest first. */
  const files = new Map<string, Entry>();
  let bytes = 0;
  let count = 0;

  const drop = (entry: Entry) => {
    if (files.delete(entry.id)) bytes -= entry.content.byteLength;
  };

  /** A batch that nobody looked at since may still have to read what has expired by now. */
  const dropExpired = () => {
    const now = clock();
    for (const entry of files.values()) if (entry.expiresMs <= now && entry.holders === 0) drop(entry);
  };

  const find = (id: string, atMs = clock()): Entry | undefined => {
    const entry = files.get(id);
    return entry === undefined || entry.expiresMs > atMs ? entry : undefined;
  };

  /** Whether `needed` bytes fit, after what may go went. */
  const makeRoom = (needed: number): boolean => {
    const entries = [...files.values()];
    const spent = entries.filter(({ isSpent, holders }) => isSpent && holders === 0);
    const outputs = entries.filter(({ wire }) => wire.purpose === "batch_output");
    for (const entry of [...spent, ...outputs]) {
      if (bytes + needed <= memoryBytes) break;
      drop(entry);
    }
    return bytes + needed <= memoryBytes;
  };

  return {
    find,
    add({ filename, purpose, content, createdMs, expiresAfterSeconds = USUAL_LIFE_S }) {
      dropExpired();
      const fits = makeRoom(content.byteLength);
      if (!fits && purpose === "batch") {
        throw badRequest(
          `The offline server keeps ${memoryBytes} bytes of files. Delete files that are not needed any more.`,
          "file",
        );
      }
      count += 1;
      const id = `file-offline-${mark}-${String(count).padStart(ID_DIGITS, "0")}`;
      const expiresMs = createdMs + expiresAfterSeconds * 1000;
      const wire: FileOnWire = {
        object: "file",
        id,
        bytes: content.byteLength,
        created_at: Math.floor(createdMs / 1000),
        expires_at: Math.floor(expiresMs / 1000),
        filename,
        purpose,
        status: "processed",
        status_details: null,
      };
      const entry: Entry = { id, wire, content, expiresMs, holders: 0, isSpent: false };
      files.set(id, entry);
      bytes += content.byteLength;
      return entry;
    },
    get(id) {
      const file = find(id);
      if (file !== undefined) return file;
      throw new ApiError(404, `No such File object: ${id}`, { param: "id" });
    },
    delete(id) {
      const entry = files.get(id);
      if (entry !== undefined) drop(entry);
    },
    list({ order, purpose, ...query }) {
      const now = clock();
      const found = [...files.values()].filter(
        ({ wire, expiresMs }) => expiresMs > now && (purpose === undefined || wire.purpose === purpose),
      );
      const rows = checkOrder(order) === "asc" ? found : found.reverse();
      const page = pageOf(rows, query, PAGES);
      return { ...page, data: page.data.map(({ wire }) => wire) };
    },
    hold(id) {
      const entry = files.get(id);
      if (entry !== undefined) entry.holders += 1;
    },
    release(id) {
      const entry = files.get(id);
      if (entry === undefined) return;
      entry.holders -= 1;
      entry.isSpent = true;
    },
    clear() {
      files.clear();
      bytes = 0;
    },
  };
}
