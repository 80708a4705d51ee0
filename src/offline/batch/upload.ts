/** An upload, from a multipart form to a file that may be kept; refused as the provider refuses it. */
import { badRequest } from "../api-error.ts";
import { checkExpiry } from "./expiry.ts";
import type { NewFile } from "./stored-files.ts";

/** The provider's 200 MB, in its smaller reading. */
const MAX_BYTES = 200_000_000;
/** What a form needs around the file. */
const FORM_BYTES = 100_000;

const FIELDS = new Set(["purpose", "file", "expires_after[anchor]", "expires_after[seconds]"]);
const PURPOSES = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"];

const tooLarge = () => badRequest("File is too large.", null);
const notJsonLines = () => badRequest("Invalid file format for Batch API. Must be .jsonl", null);

/** The body, as long as it is no longer than allowed; `tooLong` is called where it is. */
function bounded(body: ReadableStream<Uint8Array>, most: number, tooLong: () => void) {
  let bytes = 0;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes > most) {
          tooLong();
          throw tooLarge();
        }
        controller.enqueue(chunk);
      },
    }),
  );
}

async function readForm(request: Request, maxBytes: number): Promise<FormData> {
  const contentType = request.headers.get("content-type") ?? "";
  if (!contentType.startsWith("multipart/form-data") || request.body === null) {
    throw badRequest(
      `Invalid Content-Type header (${contentType}). Expected 'multipart/form-data'.`,
      null,
      "unsupported_content_type",
    );
  }
  const most = maxBytes + FORM_BYTES;
  if (Number(request.headers.get("content-length")) > most) throw tooLarge();
  let isTooLong = false;
  const body = bounded(request.body, most, () => {
    isTooLong = true;
  });
  try {
    return await new Response(body, { headers: { "content-type": contentType } }).formData();
  } catch {
    if (isTooLong) throw tooLarge();
    throw badRequest("We could not parse the multipart form of your request.", null);
  }
}

function checkFields(form: FormData): void {
  for (const name of form.keys()) {
    if (!FIELDS.has(name)) throw badRequest(`Unknown parameter: '${name}'.`, name, "unknown_parameter");
    if (form.getAll(name).length > 1) throw badRequest(`Duplicate parameter: '${name}'.`, name);
  }
}

function checkPurpose(purpose: ReturnType<FormData["get"]>): "batch" {
  if (purpose === null) throw badRequest("'purpose' is a required property", null);
  if (purpose === "batch") return purpose;
  if (typeof purpose === "string" && PURPOSES.includes(purpose)) {
    throw badRequest(`The offline server takes files for batches only, not for '${purpose}'.`, "purpose");
  }
  const known = PURPOSES.map((name) => `'${name}'`).join(", ");
  throw badRequest(`'${String(purpose)}' is not one of [${known}] - 'purpose'`, null);
}

function expiryIn(form: FormData): number | undefined {
  const seconds = form.get("expires_after[seconds]");
  return checkExpiry(
    form.get("expires_after[anchor]") ?? undefined,
    seconds === null
      ? undefined
      : typeof seconds === "string" && /^\d+$/.test(seconds)
        ? Number(seconds)
        : seconds,
    "expires_after",
  );
}

/** The provider looks at the name and at the first line, and at the others only when a batch is made of them. */
function checkLines(name: string, content: Uint8Array): void {
  if (!name.endsWith(".jsonl") || content.byteLength === 0) throw notJsonLines();
  const end = content.indexOf(0x0a);
  const first = new TextDecoder().decode(content.subarray(0, end < 0 ? undefined : end)).trim();
  if (first === "") return;
  try {
    JSON.parse(first);
  } catch {
    throw notJsonLines();
  }
}

export interface Upload {
  request: Request;
  /** Milliseconds since 1970. */
  now: number;
  /** Of the file; default 200,000,000. */
  maxBytes?: number | undefined;
}

/** Throws the `ApiError` of what is wrong with it. */
export async function readUpload({ request, now, maxBytes = MAX_BYTES }: Upload): Promise<NewFile> {
  const form = await readForm(request, maxBytes);
  checkFields(form);
  const purpose = checkPurpose(form.get("purpose"));
  const file = form.get("file");
  if (file === null) throw badRequest("'file' is a required property", null);
  if (typeof file === "string")
    throw badRequest("Expected a file with a name in 'file', but got text.", "file");
  if (file.size > maxBytes) throw tooLarge();
  const expiresAfterSeconds = expiryIn(form);
  const content = new Uint8Array(await file.arrayBuffer());
  checkLines(file.name, content);
  return { filename: file.name, purpose, content, createdMs: now, expiresAfterSeconds };
}
