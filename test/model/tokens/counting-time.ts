/** Counts one text of standard input in a process of its own, without the coverage that slows counting down. */
import { text } from "node:stream/consumers";
import { countTokens } from "../../../src/model/tokens/tokens.ts";

const counted = await text(process.stdin);
await countTokens("warm up", "o200k_base");
const before = process.cpuUsage();
const tokens = await countTokens(counted, "o200k_base");
const { user, system } = process.cpuUsage(before);
process.stdout.write(JSON.stringify({ tokens, cpuMs: (user + system) / 1000 }));
