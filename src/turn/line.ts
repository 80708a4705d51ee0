/** Text that stays in its line: no field can begin a section of its own. `\s` lacks one line break, U+0085. */
export const line = (text: string): string => text.replace(/[\s\u0085]+/g, " ").trim();
