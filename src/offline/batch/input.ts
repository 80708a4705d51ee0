/** A batch's file: its lines, and everything that makes the batch fail before any of them is answered. */
import { setImmediate } from "node:timers/promises";
import { type Fields, isFields } from "../field-checks.ts";
import type { ServedModels } from "../served-models.ts";
import { BATCH_ENDPOINT } from "./batch-request.ts";
import type { BatchProblem } from "./protocol.ts";

const MOST_LINES = 50_000;
const MOST_PROBLEMS = 100;
/** The shortest limit that anybody documents. */
const CUSTOM_ID_LENGTH = 64;
/** Lines until others get their turn. */
const LINES_A_TURN = 500;
const NEW_LINE = 0x0a;

/** A request of a file: who it is, and where it stands. */
export interface InputLine {
  customId: string;
  /** In the content, in bytes. */
  start: number;
  end: number;
}

export interface BatchInput {
  content: Uint8Array;
  lines: readonly InputLine[];
  model: string;
}

export type CheckedInput = { problems: BatchProblem[] } | { input: BatchInput };

type Problem = Omit<BatchProblem, "line">;

const textOf = (content: Uint8Array, start: number, end: number) =>
  Buffer.from(content.buffer, content.byteOffset + start, end - start).toString("utf8");

const problem = (code: string, message: string, param: string | null = null): Problem => ({
  code,
  message,
  param,
});

/** Tells what is what by the order in which the provider looks. */
function problemOfFields(line: Fields): Problem | undefined {
  for (const name of ["custom_id", "method", "url", "body"]) {
    if (line[name] === undefined)
      return problem("missing_required_parameter", `Missing required parameter: '${name}'.`, name);
  }
  const { custom_id: id, method, url, body, ...others } = line;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return problem("unknown_parameter", `Unknown parameter: '${unknown}'.`, unknown);
  if (typeof id !== "string" || id === "" || id.length > CUSTOM_ID_LENGTH) {
    const message = `Invalid 'custom_id': expected a string of 1 to ${CUSTOM_ID_LENGTH} characters.`;
    return problem("invalid_custom_id", message, "custom_id");
  }
  if (method !== "POST") {
    return problem(
      "invalid_method",
      `Invalid method '${String(method)}'. Supported values are: 'POST'.`,
      "method",
    );
  }
  if (url !== BATCH_ENDPOINT) {
    return problem(
      "url_mismatch",
      "The URL provided for this request does not match the batch endpoint.",
      "url",
    );
  }
  return isFields(body) ? undefined : problem("invalid_request", "Body must be a JSON object.", "body");
}

/** What of a request is looked at before it is answered: the rest is that line's own failure. */
function problemOfBody(body: Fields, models: ServedModels): Problem | undefined {
  const { model, messages, stream } = body;
  if (typeof model !== "string" || model === "")
    return problem("invalid_request", "Model parameter is required.", "body.model");
  if (messages === undefined)
    return problem("invalid_request", "Messages parameter is required.", "body.messages");
  if (stream !== undefined && stream !== null && stream !== false) {
    const message = "Chat Completions: Streaming is not supported in the Batch API.";
    return problem("streaming_unsupported", message, "body.stream");
  }
  if (models.find(model) !== undefined) return undefined;
  const message = `The provided model '${model}' is not supported by the Batch API.`;
  return problem("model_not_found", message, "body.model");
}

/** A line that was checked. */
export const bodyOf = (input: BatchInput, { start, end }: InputLine): unknown =>
  JSON.parse(textOf(input.content, start, end)).body;

function* linesOf(content: Uint8Array): Generator<{ start: number; end: number }> {
  let start = 0;
  while (start < content.length) {
    const found = content.indexOf(NEW_LINE, start);
    const end = found < 0 ? content.length : found;
    yield { start, end };
    start = end + 1;
  }
}

function parse(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Checks every line, in turns with whatever else the process does. */
export async function checkInput(content: Uint8Array, models: ServedModels): Promise<CheckedInput> {
  const problems: BatchProblem[] = [];
  const lines: InputLine[] = [];
  const ids = new Set<string>();
  let model: string | undefined;
  let isEmpty = true;
  let number = 0;

  const check = (fields: Fields): Problem | undefined => {
    const wrong = problemOfFields(fields);
    if (wrong !== undefined) return wrong;
    const customId = String(fields.custom_id);
    if (ids.has(customId)) {
      const message = `The custom_id '${customId}' is not unique: each request of a batch needs its own.`;
      return problem("duplicate_custom_id", message, "custom_id");
    }
    ids.add(customId);
    const body = fields.body as Fields;
    const wrongBody = problemOfBody(body, models);
    if (wrongBody !== undefined) return wrongBody;
    model ??= String(body.model);
    if (body.model === model) return undefined;
    const message = `The model '${String(body.model)}' differs from '${model}' of the requests before it: all requests of a batch use the same.`;
    return problem("model_mismatch", message, "body.model");
  };

  for (const { start, end } of linesOf(content)) {
    number += 1;
    if (number % LINES_A_TURN === 0) await setImmediate();
    if (number > MOST_LINES) continue;
    const text = textOf(content, start, end);
    if (text.trim() !== "") isEmpty = false;
    const fields = parse(text);
    const wrong =
      fields === undefined
        ? problem("invalid_json_line", "This line is not parseable as valid JSON.")
        : check(fields);
    if (wrong === undefined) lines.push({ customId: String(fields?.custom_id), start, end });
    else if (problems.length < MOST_PROBLEMS) problems.push({ ...wrong, line: number });
  }
  const whole = (code: string, message: string) => ({
    problems: [{ ...problem(code, message), line: null }],
  });
  if (isEmpty) return whole("empty_file", "The file of the batch holds no request.");
  if (number > MOST_LINES) {
    const message = `The file of the batch holds ${number} requests; at most ${MOST_LINES} are allowed.`;
    return whole("too_many_tasks", message);
  }
  if (problems.length > 0 || model === undefined) return { problems };
  return { input: { content, lines, model } };
}
