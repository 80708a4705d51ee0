/** What is looked at before anything is sent: how secrets are treated, how long texts may be, and what people are told. */
import { z } from "zod";

export const SECRET_POLICIES = ["block", "redact", "warn"] as const;
/** block: nothing is sent. redact: the secret is replaced by what kind it is. warn: it is sent, with a notice. */
export type SecretPolicy = (typeof SECRET_POLICIES)[number];

export const DEFAULT_MAX_MESSAGE_CHARACTERS = 100_000;
export const DEFAULT_MAX_REQUEST_CHARACTERS = 1_000_000;

const secrets = z
  .enum(SECRET_POLICIES)
  .describe(
    "What happens to keys, tokens and passwords in files, human input and tool results: `block` sends nothing, `redact` replaces them, `warn` sends them and says so.",
  );
const maxMessageCharacters = z.int().min(1).describe("Longest message, in UTF-16 code units.");
const maxRequestCharacters = z.int().min(1).describe("All messages of a request together.");

export const screeningSchema = z.strictObject({
  secrets: secrets.default("block"),
  maxMessageCharacters: maxMessageCharacters.default(DEFAULT_MAX_MESSAGE_CHARACTERS),
  maxRequestCharacters: maxRequestCharacters.default(DEFAULT_MAX_REQUEST_CHARACTERS),
});
/** How secrets are treated, and how long texts may be, in UTF-16 code units. */
export type Screening = z.output<typeof screeningSchema>;

/** The same for one run: what is left out stays as the scenario has it. */
export const screeningOverrideSchema = z.strictObject({
  secrets: secrets.optional(),
  maxMessageCharacters: maxMessageCharacters.optional(),
  maxRequestCharacters: maxRequestCharacters.optional(),
});

export const noticeSchema = z.object({
  place: z.string().describe("File, line and column, or which message or tool result."),
  kind: z.string().describe("What it was, never the thing itself."),
  action: z.enum(["removed", "sent"]),
});
/** Something that screening removed, or let pass as it was told to. */
export type Notice = z.output<typeof noticeSchema>;

/** `GitHub token in human input, message 1: removed`. */
export const formatNotice = ({ place, kind, action }: Notice): string =>
  `${kind} in ${place}: ${action === "removed" ? "removed" : "sent all the same"}`;
