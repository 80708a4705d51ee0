/**
 * LangChain's chat completions client with three changes. It always calls the SDK's `create`: the `parse` it would
 * call for a JSON schema throws on a cut-off answer, and the answer, its usage and its cost would be lost. It keeps
 * the refusal text and the service tier, which LangChain drops. And it converts a schema once instead of at every
 * request, without the titles LangChain adds to each property, which would be paid for as input.
 */
import {
  AIMessage,
  AIMessageChunk,
  type BaseMessage,
  type BaseMessageChunk,
  type InvalidToolCall,
} from "@langchain/core/messages";
import { ChatOpenAICompletions, OpenAIClient } from "@langchain/openai";
import { z } from "zod";

type Params = OpenAIClient.Chat.Completions.ChatCompletionCreateParams;
type Streaming = OpenAIClient.Chat.Completions.ChatCompletionCreateParamsStreaming;
type Whole = OpenAIClient.Chat.Completions.ChatCompletionCreateParamsNonStreaming;
type Chunk = OpenAIClient.Chat.Completions.ChatCompletionChunk;
type Completion = OpenAIClient.Chat.Completions.ChatCompletion;

type ResponseFormat = Parameters<ChatOpenAICompletions["_getResponseFormat"]>[0];

const schemas = new WeakMap<z.ZodType, Record<string, unknown>>();

/** A zod schema as the wire wants it. */
export function wireSchema(schema: z.ZodType): Record<string, unknown> {
  const known = schemas.get(schema);
  if (known !== undefined) return known;
  const { $schema: _, "~standard": __, ...converted } = z.toJSONSchema(schema);
  schemas.set(schema, converted);
  return converted;
}

type CallOnWire = NonNullable<OpenAIClient.ChatCompletionMessage["tool_calls"]>[number];

/** A search is a few words. Longer arguments may be nested so deeply that whoever walks them runs out of stack. */
const MAX_ARGUMENTS = 5000;

/** LangChain prints an unfounded warning about old packages when all calls of a message are broken. */
function sortCalls(calls: readonly CallOnWire[]): { whole: CallOnWire[]; broken: InvalidToolCall[] } {
  const whole: CallOnWire[] = [];
  const broken: InvalidToolCall[] = [];
  for (const call of calls) {
    if (call.type !== "function") continue;
    const { name, arguments: args } = call.function;
    try {
      if (args.length > MAX_ARGUMENTS) throw new RangeError(`longer than ${MAX_ARGUMENTS} characters`);
      JSON.parse(args);
      whole.push(call);
    } catch (error) {
      broken.push({ type: "invalid_tool_call", id: call.id, name, args, error: (error as Error).message });
    }
  }
  return { whole, broken };
}

const callSchema = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
});

/** What must hold of an answer before it is read: other servers' pages, too, come with status 200. */
const completionSchema = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        message: z.looseObject({
          content: z.string().nullish(),
          refusal: z.string().nullish(),
          tool_calls: z.array(callSchema).nullish(),
        }),
      }),
    )
    .min(1),
});

export class Completions extends ChatOpenAICompletions {
  /** Each tool says itself whether it is strict; LangChain would make all of them so beside a strict answer. */
  override _convertChatOpenAIToolToCompletionsTool(
    ...[tool, fields]: Parameters<ChatOpenAICompletions["_convertChatOpenAIToolToCompletionsTool"]>
  ): ReturnType<ChatOpenAICompletions["_convertChatOpenAIToolToCompletionsTool"]> {
    const isOurs = "function" in tool && typeof tool.function === "object";
    return super._convertChatOpenAIToolToCompletionsTool(tool, isOurs ? {} : fields);
  }

  override _getResponseFormat(
    format?: ResponseFormat,
  ): ReturnType<ChatOpenAICompletions["_getResponseFormat"]> {
    if (format?.type !== "json_schema" || !(format.json_schema.schema instanceof z.ZodType)) {
      return super._getResponseFormat(format);
    }
    const { schema, ...rest } = format.json_schema;
    return { type: "json_schema", json_schema: { ...rest, schema: wireSchema(schema) } };
  }

  override completionWithRetry(
    request: Streaming,
    options?: OpenAIClient.RequestOptions,
  ): Promise<AsyncIterable<Chunk>>;
  override completionWithRetry(request: Whole, options?: OpenAIClient.RequestOptions): Promise<Completion>;
  override async completionWithRetry(
    request: Params,
    { maxRetries: _langchainRetries, ...options }: OpenAIClient.RequestOptions = {},
  ): Promise<AsyncIterable<Chunk> | Completion> {
    const clientOptions = this._getClientOptions(options);
    const completion = await this.client.chat.completions.create(request, clientOptions);
    if (request.stream || completionSchema.safeParse(completion).success) return completion;
    const message = "The server answered with something that is no chat completion. Check OPENAI_BASE_URL.";
    throw new OpenAIClient.APIError(undefined, undefined, message, undefined);
  }

  protected override _convertCompletionsMessageToBaseMessage(
    message: OpenAIClient.ChatCompletionMessage,
    completion: Completion,
  ): BaseMessage {
    const { whole, broken } = sortCalls(message.tool_calls ?? []);
    const { tool_calls: _, ...rest } = message;
    const sound = whole.length === 0 ? rest : { ...rest, tool_calls: whole };
    const converted = super._convertCompletionsMessageToBaseMessage(sound, completion);
    if (AIMessage.isInstance(converted)) converted.invalid_tool_calls = broken;
    if (completion.service_tier) converted.response_metadata.service_tier = completion.service_tier;
    if (message.refusal && AIMessage.isInstance(converted))
      converted.additional_kwargs.refusal = message.refusal;
    return converted;
  }

  protected override _convertCompletionsDeltaToBaseMessageChunk(
    delta: Chunk["choices"][number]["delta"],
    chunk: Chunk,
    defaultRole?: OpenAIClient.Chat.ChatCompletionRole,
  ): BaseMessageChunk {
    const converted = super._convertCompletionsDeltaToBaseMessageChunk(delta, chunk, defaultRole);
    if (delta.refusal && AIMessageChunk.isInstance(converted))
      converted.additional_kwargs.refusal = delta.refusal;
    return converted;
  }
}
