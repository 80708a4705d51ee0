/**
 * Finds keys, tokens and passwords in a text: what kind each is and where it stands. secretlint's rules are run
 * directly, not through its engine: they are synchronous, so that files can be screened while they are read, and the
 * engine's comments (`secretlint-disable`) must not let anything through here.
 */
import { createRequire } from "node:module";
import type { SecretLintRuleContext, SecretLintRuleCreator, SecretLintSourceCode } from "@secretlint/types";
import {
  CANDIDATE,
  CONTEXT_CHARACTERS,
  MISPLACED_MESSAGES,
  OWN_PATTERNS,
  RULE_KINDS,
  removedMark,
} from "./secret-patterns.ts";

/** A secret in a text, from `start` up to `end`, which is the first character behind it. */
export interface Secret {
  kind: string;
  start: number;
  end: number;
}

const PRESET = "@secretlint/secretlint-rule-preset-recommend";
const RULE_PREFIX = "@secretlint/secretlint-rule-";

type Scan = (text: string) => Secret[];
let scanWithRules: Scan | undefined;

/** Loads the rules: about 10 ms, once, and only for a text that may hold a secret. */
function loadRules(): Scan {
  const { rules }: { rules: SecretLintRuleCreator[] } = createRequire(import.meta.url)(PRESET);
  let found: Secret[] = [];
  const scanners = rules.flatMap((rule) => {
    const name = rule.meta.id.slice(RULE_PREFIX.length);
    if (name === "filter-comments") return [];
    const kind = RULE_KINDS[name] ?? `${name} secret`;
    const context: SecretLintRuleContext = {
      sharedOptions: {},
      createTranslator: () => (messageId, data) => ({ message: "", messageId: String(messageId), data }),
      ignore: () => undefined,
      report({ message, range: [start, end] }) {
        if (!MISPLACED_MESSAGES.has(message.messageId)) found.push({ kind, start, end });
      },
    };
    return [rule.create(context, {})];
  });
  return (text) => {
    found = [];
    // Without a path and an extension no rule looks for a file; the one that reads files is left out by that.
    const source = { content: text, ext: "", contentType: "text" } as SecretLintSourceCode;
    for (const scanner of scanners) scanner.file?.(source);
    return found;
  };
}

function scanWithOwnPatterns(text: string): Secret[] {
  return OWN_PATTERNS.flatMap(({ kind, pattern, isSecret }) =>
    Array.from(text.matchAll(pattern)).flatMap((match) => {
      const secret = match.groups?.secret ?? match[0];
      const end = match.index + match[0].length;
      const start = end - secret.length;
      const before = text.slice(Math.max(0, start - CONTEXT_CHARACTERS), start);
      return isSecret === undefined || isSecret(secret, before) ? [{ kind, start, end }] : [];
    }),
  );
}

/** In the order of the text; what overlaps is one, of the kind that was named first. */
function merged(secrets: readonly Secret[]): Secret[] {
  const whole: Secret[] = [];
  for (const secret of [...secrets].sort((a, b) => a.start - b.start)) {
    const last = whole.at(-1);
    if (last === undefined || secret.start >= last.end) whole.push({ ...secret });
    else last.end = Math.max(last.end, secret.end);
  }
  return whole;
}

/** Every secret of a text, in its order. Microseconds where nothing looks like one. */
export function findSecrets(text: string): Secret[] {
  if (!CANDIDATE.test(text)) return [];
  scanWithRules ??= loadRules();
  return merged([...scanWithRules(text), ...scanWithOwnPatterns(text)]);
}

/** What stands directly behind a secret may become one when it is gone; more rounds than this are no accident. */
const MAX_ROUNDS = 20;

/** The text with each secret replaced by what kind it was, like `[secret removed: GitHub token]`. */
export function redactSecrets(text: string): string {
  let rest = text;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const secrets = findSecrets(rest);
    if (secrets.length === 0) break;
    let end = 0;
    const parts = secrets.map((secret) => {
      const before = rest.slice(end, secret.start);
      end = secret.end;
      return before + removedMark(secret.kind);
    });
    rest = parts.join("") + rest.slice(end);
  }
  return rest;
}

/** The kinds of some secrets, each once: `GitHub token, private key`. */
export const kindsOf = (secrets: readonly Secret[]): string =>
  [...new Set(secrets.map(({ kind }) => kind))].join(", ");
