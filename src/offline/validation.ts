/** Whether the provider would take a request: the top-level rules, and the order in which all rules are tried. */
import type { ModelInfo } from "../domain/model-info.ts";
import { badRequest, modelNotFound } from "./api-error.ts";
import {
  checkBoolean,
  checkChoice,
  checkInteger,
  checkKeys,
  checkNumber,
  checkObject,
  checkString,
  type Fields,
} from "./field-checks.ts";
import { checkMessages } from "./message-validation.ts";
import type { ChatRequest } from "./protocol.ts";
import type { ServedModels } from "./served-models.ts";
import { checkResponseFormat, checkTools } from "./tool-validation.ts";

const SEED_LIMIT = 2 ** 63;
/** Characters; the provider documents none, but refuses longer ones with the body that `checkString` throws. */
const CACHE_KEY_LENGTH = 64;
const penalty = { min: -2, max: 2 };

type Check = (value: unknown, path: string) => unknown;

/** Parameters the provider takes as null too, which is the same as leaving them out. */
const NULLABLE: Readonly<Record<string, Check>> = {
  temperature: (value, path) => checkNumber(value, path, { min: 0, max: 2 }),
  top_p: (value, path) => checkNumber(value, path, { min: 0, max: 1 }),
  presence_penalty: (value, path) => checkNumber(value, path, penalty),
  frequency_penalty: (value, path) => checkNumber(value, path, penalty),
  seed: (value, path) => checkInteger(value, path, { min: -SEED_LIMIT, max: SEED_LIMIT }),
  max_tokens: (value, path) => checkInteger(value, path, { min: 1 }),
  max_completion_tokens: (value, path) => checkInteger(value, path, { min: 1 }),
  n: (value, path) => checkInteger(value, path, { min: 1, max: 1 }),
  stream: checkBoolean,
  stream_options: (value, path) => {
    const options = checkObject(value, path);
    checkKeys(options, new Set(["include_usage", "include_obfuscation"]), path);
    for (const [name, option] of Object.entries(options)) checkBoolean(option, `${path}.${name}`);
  },
  service_tier: (value, path) =>
    checkChoice(value, path, ["auto", "default", "flex", "priority", "scale", "fast"]),
  reasoning_effort: (value, path) =>
    checkChoice(value, path, ["none", "minimal", "low", "medium", "high", "xhigh"]),
  verbosity: (value, path) => checkChoice(value, path, ["low", "medium", "high"]),
  logprobs: checkBoolean,
  metadata: checkObject,
  store: checkBoolean,
  prompt_cache_key: (value, path) => checkString(value, path, CACHE_KEY_LENGTH),
  prompt_cache_retention: (value, path) => checkChoice(value, path, ["in_memory", "24h"]),
  safety_identifier: (value, path) => checkString(value, path),
  user: (value, path) => checkString(value, path),
};

const REQUIRED_OR_CHECKED_ELSEWHERE =
  "model messages tools tool_choice parallel_tool_calls response_format".split(" ");
const KNOWN = new Set([...REQUIRED_OR_CHECKED_ELSEWHERE, ...Object.keys(NULLABLE)]);

/** The provider knows these; this server cannot do what they ask, and does not pretend to. */
const NOT_OFFERED = new Set(
  "audio function_call functions logit_bias modalities moderation prediction prompt_cache_options stop top_logprobs web_search_options".split(
    " ",
  ),
);

/** Reasoning models refuse these whatever their value. */
const NOT_FOR_REASONING = ["top_p", "presence_penalty", "frequency_penalty", "logprobs"];

const unsupported = (name: string, hint = "") =>
  badRequest(
    `Unsupported parameter: '${name}' is not supported with this model.${hint}`,
    name,
    "unsupported_parameter",
  );

/** At the top level, unlike further down, the provider names neither `param` nor `code`. */
function unrecognized(names: readonly string[]) {
  const what = names.length === 1 ? "argument" : "arguments";
  return badRequest(`Unrecognized request ${what} supplied: ${names.join(", ")}`, null);
}

/** o3, o4-mini and their kin refuse `parallel_tool_calls`, even `false`; gpt-5 takes it. */
const isOSeries = (model: ModelInfo) => model.reasons && /^o\d/.test(model.id);

function checkForModel(body: Fields, model: ModelInfo): void {
  if (model.reasons) {
    if (body.temperature !== undefined && body.temperature !== 1) {
      throw badRequest(
        `Unsupported value: 'temperature' does not support ${String(body.temperature)} with this model. Only the default (1) value is supported.`,
        "temperature",
        "unsupported_value",
      );
    }
    if (body.max_tokens !== undefined)
      throw unsupported("max_tokens", " Use 'max_completion_tokens' instead.");
    const refused = NOT_FOR_REASONING.find((name) => body[name] !== undefined);
    if (refused !== undefined) throw unsupported(refused);
    if (isOSeries(model) && body.parallel_tool_calls !== undefined) throw unsupported("parallel_tool_calls");
  } else {
    // To a model that does not reason, the effort is a parameter like any that does not exist.
    if (body.reasoning_effort !== undefined) throw unrecognized(["reasoning_effort"]);
    if (body.verbosity !== undefined) throw unsupported("verbosity");
  }
  if (body.service_tier === "flex" && !model.flex) {
    throw badRequest("Flex is not available for this model.", "service_tier");
  }
  const limit = body.max_tokens === undefined ? "max_completion_tokens" : "max_tokens";
  const asked = body[limit];
  if (typeof asked === "number" && asked > model.maxOutput) {
    throw badRequest(
      `${limit} is too large: ${asked}. This model supports at most ${model.maxOutput} completion tokens, whereas you provided ${asked}.`,
      limit,
      "invalid_value",
    );
  }
}

function checkCombinations(body: Fields): void {
  if (body.max_tokens !== undefined && body.max_completion_tokens !== undefined) {
    throw badRequest(
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      "max_completion_tokens",
    );
  }
  if (body.stream_options !== undefined && body.stream !== true) {
    throw badRequest(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      "stream_options",
    );
  }
}

export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest(
      "We could not parse the JSON body of your request. The API expects a JSON payload.",
      null,
    );
  }
}

export interface AcceptedRequest {
  request: ChatRequest;
  /** What it is served by; a dated snapshot's is its base model, with that one's id. */
  model: ModelInfo;
}

/** Throws an `ApiError` for the first rule that the body breaks. */
export function validateRequest(value: unknown, models: ServedModels): AcceptedRequest {
  const body: Fields = Object.fromEntries(
    Object.entries(checkObject(value, "body")).filter(
      ([name, field]) => field !== null || !(name in NULLABLE),
    ),
  );
  for (const name of Object.keys(body)) {
    if (NOT_OFFERED.has(name)) {
      throw badRequest(`The offline server does not offer '${name}'.`, name, "unsupported_parameter");
    }
  }
  const unknown = Object.keys(body).filter((name) => !KNOWN.has(name));
  if (unknown.length > 0) throw unrecognized(unknown);
  if (body.model === undefined || body.model === "") {
    throw badRequest("you must provide a model parameter", "model", "missing_required_parameter");
  }
  const name = checkString(body.model, "model");
  const model = models.find(name);
  if (model === undefined) throw modelNotFound(name);

  for (const [key, check] of Object.entries(NULLABLE)) {
    if (body[key] !== undefined) check(body[key], key);
  }
  checkCombinations(body);
  checkForModel(body, model);
  checkMessages(body.messages);
  checkTools(body);
  checkResponseFormat(body, model);
  // Every field has been checked by now; the type only writes that down.
  return { request: body as unknown as ChatRequest, model };
}
