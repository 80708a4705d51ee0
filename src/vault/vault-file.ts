/** The vault as text: its shape, and what is said of a file that has another. Pure. */
import { z } from "zod";
import { DramatisError } from "../domain/errors.ts";
import { slugSchema } from "../domain/persona.ts";

/**
 * `api` speaks with models; `admin` reads usage, costs and limits of an organisation; `webhook` is the secret that the provider
 * signs its events with.
 */
export const keyKindSchema = z.enum(["api", "admin", "webhook"]);
/** `api` speaks with models; `admin` reads usage, costs and limits of an organisation; `webhook` signs events. */
export type KeyKind = z.output<typeof keyKindSchema>;

const entrySchema = z.strictObject({
  name: slugSchema,
  kind: keyKindSchema,
  /** The key, encrypted. */
  token: z.string(),
  /** Eight hexadecimal digits by which a key is recognised; they tell nothing to who cannot decrypt the vault. */
  fingerprint: z.string().regex(/^[0-9a-f]{8}$/),
  addedAt: z.iso.datetime(),
});

const vaultSchema = z
  .strictObject({
    version: z.literal(1),
    /** 32 random bytes, encrypted: the secret that fingerprints are made with. */
    fingerprintKey: z.string(),
    keys: z.array(entrySchema),
  })
  .refine(({ keys }) => new Set(keys.map(({ name }) => name)).size === keys.length, { path: ["keys"] });

export type VaultEntry = z.output<typeof entrySchema>;
export type VaultData = z.output<typeof vaultSchema>;

const versionSchema = z.object({ version: z.number().min(2) });

export const vaultText = (data: VaultData): string => `${JSON.stringify(data, null, 2)}\n`;

/**
 * @throws DramatisError `vault-damaged`; the message names the place and quotes nothing of the file, which may hold
 * what somebody typed into it.
 */
export function parseVault(text: string, file: string): VaultData {
  const value = jsonOf(text);
  const parsed = vaultSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  if (versionSchema.safeParse(value).success) {
    const message = `The vault ${file} was written by a later version of Dramatis. Update Dramatis to use it.`;
    throw new DramatisError("vault-damaged", message);
  }
  const [issue] = parsed.error.issues;
  const place = issue?.path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`))
    .join("");
  const what =
    value === undefined
      ? "it is no JSON"
      : `${place?.replace(/^\./, "") || "the whole"} is not as it was written`;
  const remedy = "Restore it from a copy, or delete it and add the keys again: dramatis keys add";
  throw new DramatisError("vault-damaged", `The vault ${file} is damaged: ${what}. ${remedy}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The error would quote the text.
  }
}
