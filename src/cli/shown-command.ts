/** Commands that are shown to be typed again: with the name this program has here, and the store that was given. */
import type { DramatisError } from "../domain/errors.ts";
import { commandName } from "./command-name.ts";
import type { Terminal } from "./terminal.ts";

/** Where the user is: what the program is called there, and the store as its flag named it. */
export interface ShownFor {
  env: Terminal["env"];
  store: string | undefined;
}

/** The same, from a command's flags. */
export const shownFor = ({ store }: { store?: string }, { env }: Pick<Terminal, "env">): ShownFor => ({
  env,
  store,
});

const MASK = "***";
const SECRET_PARAMETER = /pass|secret/i;

/** A server's address without its password; one that cannot be read, without anything in which one may be. */
function withoutPassword(address: string): string {
  if (!/^postgres(ql)?:\/\//i.test(address)) return address;
  if (!URL.canParse(address)) return /[@?]/.test(address) ? `postgres://${MASK}` : address;
  const url = new URL(address);
  const secret = [...url.searchParams.keys()].filter((name) => SECRET_PARAMETER.test(name));
  // What would have to be written in another way than it was typed is left as it was.
  if (url.password === "" && secret.length === 0) return address;
  if (url.password !== "") url.password = MASK;
  for (const name of secret) url.searchParams.set(name, MASK);
  return url.href;
}

/** One word of a shell. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** A command whole, to be pasted: only a password is not in it. */
export function shownCommand(words: string, { env, store }: ShownFor): string {
  const flag = store === undefined ? "" : ` --store ${shellWord(withoutPassword(store))}`;
  return `${commandName(env)} ${words}${flag}`;
}

/** What is to be said beside commands from which a password was taken; undefined: none was. */
export const passwordNote = ({ store }: ShownFor): string | undefined =>
  store === undefined || withoutPassword(store) === store
    ? undefined
    : `${MASK} stands for what is not shown: write it there, or set DRAMATIS_STORE and leave --store out.`;

/** The message of an error, with the command it ends with as it is to be typed here. */
export function messageFor(error: DramatisError, shownFor: ShownFor): string {
  const { message, command } = error;
  const end = `dramatis ${command}`;
  if (command === undefined || !message.endsWith(end)) return message;
  const note = passwordNote(shownFor);
  const whole = message.slice(0, -end.length) + shownCommand(command, shownFor);
  return note === undefined ? whole : `${whole}\n${note}`;
}
