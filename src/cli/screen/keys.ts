/** What `dramatis keys` shows: the list of keys, and what the provider said of each. Never a key. */
import type { KeyCheck } from "../../vault/key-check.ts";
import type { StoredKey } from "../../vault/vault.ts";
import { printLines, type ScreenOptions, type Span, screenColumns, span } from "./line.ts";
import type { Style } from "./paint.ts";
import { table } from "./table.ts";

const INDENT = 2;

/** `dramatis keys list`. */
export function renderKeys(keys: readonly StoredKey[], options: ScreenOptions): string[] {
  const rows = keys.map(({ name, kind, fingerprint, addedAt }): Span[] => [
    span(name, "strong"),
    span(kind),
    span(fingerprint),
    span(addedAt.slice(0, "2000-01-01".length), "quiet"),
  ]);
  const head = [
    { title: "name", isWhole: true },
    { title: "kind", isWhole: true },
    { title: "fingerprint", isOptional: true, isWhole: true },
    { title: "added", isOptional: true, isWhole: true },
  ];
  return printLines(table(head, rows, { columns: screenColumns(options), indent: INDENT }), options);
}

/** A stored key, and what asking the provider came to. */
export interface TestedKey extends Pick<StoredKey, "name" | "kind"> {
  check: KeyCheck;
}

const STYLES: Readonly<Record<KeyCheck["outcome"], Style>> = {
  ok: "good",
  refused: "failure",
  unreachable: "warning",
};

function remark(check: KeyCheck): string {
  switch (check.outcome) {
    case "ok":
      return "";
    case "refused":
      return `status ${check.status}`;
    case "unreachable":
      return check.why;
  }
}

/** `dramatis keys test`. */
export function renderTestedKeys(keys: readonly TestedKey[], options: ScreenOptions): string[] {
  const rows = keys.map(({ name, kind, check }): Span[] => [
    span(name, "strong"),
    span(kind),
    span(check.outcome, STYLES[check.outcome]),
    span(remark(check), "quiet"),
  ]);
  const head = [
    { title: "name", isWhole: true },
    { title: "kind", isOptional: true, isWhole: true },
    { title: "answer", isWhole: true },
    { title: "", isOptional: true },
  ];
  return printLines(table(head, rows, { columns: screenColumns(options), indent: INDENT }), options);
}
