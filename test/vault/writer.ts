/**
 * A process that changes a vault until it is killed, or adds some keys and ends. It says before each change what it
 * begins and after it what is done.
 *
 *     node writer.ts loop <count of keys>      adds and removes the last key, and rotates, without end
 *     node writer.ts add <prefix> <count>      adds keys with this prefix
 */
import { writeSync } from "node:fs";
import { openVault } from "../../src/vault/vault.ts";

/** At once, so that nothing said is lost with the process. */
const say = (text: string) => writeSync(1, `${text}\n`);
const vault = openVault();
const [task, first = "", second = ""] = process.argv.slice(2);

if (task === "add") {
  say("ready");
  for (let n = 0; n < Number(second); n++) {
    await vault.add({ kind: "api", name: `${first}-${n}`, key: `key-of-${first}-${n}` });
  }
} else {
  const size = Number(first);
  for (let n = 0; ; n++) {
    const held = vault.list().length;
    say(`begin ${held}`);
    if (n % 3 === 2) await vault.rotate();
    else if (held < size) await vault.add({ kind: "api", name: `key-${held}`, key: `key-of-key-${held}` });
    else await vault.remove(`key-${held - 1}`);
    say(`done ${vault.list().length}`);
  }
}
