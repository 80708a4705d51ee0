/**
 * Fernet tokens: version 0x80, time, IV, AES-128-CBC, HMAC-SHA256, all in base64url.
 * Specification: https://github.com/fernet/spec/blob/master/Spec.md
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";

/** 16 bytes sign, 16 encrypt. Key objects do not show their bytes where something prints them. */
export interface FernetKey {
  readonly signing: KeyObject;
  readonly encryption: KeyObject;
}

/** The first key encrypts, all decrypt. */
export type FernetKeys = readonly [FernetKey, ...FernetKey[]];

/** Why a token is refused. `wrong-mac`: none of the keys made it, or it was changed. */
export type FernetFault =
  | "not-base64url"
  | "too-short"
  | "wrong-version"
  | "not-whole-blocks"
  | "wrong-mac"
  | "wrong-padding"
  | "from-the-future"
  | "expired";

export type Opened = { ok: true; data: Buffer; createdAt: number } | { ok: false; fault: FernetFault };

export interface SealOptions {
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
  /** Random bytes for the IV. Default: those of node:crypto. */
  random?: ((bytes: number) => Uint8Array) | undefined;
}

export interface OpenOptions {
  /** Refuse tokens older than this, in seconds, and those from the future. Default: the time is not looked at. */
  ttlSeconds?: number | undefined;
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
}

const VERSION = 0x80;
const TIME_AT = 1;
const IV_AT = 9;
const CIPHERTEXT_AT = 25;
const BLOCK_BYTES = 16;
const MAC_BYTES = 32;
const KEY_BYTES = 32;
/** Of the specification: clocks of two machines may differ by so much. */
const CLOCK_SKEW_SECONDS = 60;

/** Strict, since Node's decoder skips what it does not know: whole groups, padded, and no stray bits at the end. */
function decodeBase64Url(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || !/^[\w-]*={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return encodeBase64Url(bytes) === text ? bytes : undefined;
}

function encodeBase64Url(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("base64url");
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** A key from its 44 characters; undefined when they are none. */
export function fernetKey(text: string): FernetKey | undefined {
  const bytes = decodeBase64Url(text);
  if (bytes?.length !== KEY_BYTES) return undefined;
  return {
    signing: createSecretKey(bytes.subarray(0, KEY_BYTES / 2)),
    encryption: createSecretKey(bytes.subarray(KEY_BYTES / 2)),
  };
}

/** The 44 characters of a new key. */
export const newFernetKey = (random: (bytes: number) => Uint8Array = randomBytes): string =>
  encodeBase64Url(random(KEY_BYTES));

const macOf = (signed: Uint8Array, key: FernetKey): Buffer =>
  createHmac("sha256", key.signing).update(signed).digest();

const seconds = (clock: () => number): number => Math.floor(clock() / 1000);

/** Encrypts with the first key. */
export function seal(data: Uint8Array, keys: FernetKeys, options: SealOptions = {}): string {
  const { clock = Date.now, random = randomBytes } = options;
  return sealAt(data, keys[0], { time: BigInt(seconds(clock)), random });
}

function sealAt(
  data: Uint8Array,
  key: FernetKey,
  { time, random }: { time: bigint; random: (bytes: number) => Uint8Array },
): string {
  const head = Buffer.alloc(IV_AT);
  head[0] = VERSION;
  head.writeBigUInt64BE(time, TIME_AT);
  const iv = random(BLOCK_BYTES);
  const cipher = createCipheriv("aes-128-cbc", key.encryption, iv);
  const signed = Buffer.concat([head, iv, cipher.update(data), cipher.final()]);
  return encodeBase64Url(Buffer.concat([signed, macOf(signed, key)]));
}

/** Decrypts with whichever key made the token. `createdAt` is in seconds since 1970. */
export function open(token: string, keys: FernetKeys, options: OpenOptions = {}): Opened {
  const opened = openWith(token, keys);
  if (!opened.ok) return opened;
  const { ttlSeconds, clock = Date.now } = options;
  const createdAt = Number(opened.time);
  if (ttlSeconds !== undefined) {
    const now = seconds(clock);
    if (createdAt > now + CLOCK_SKEW_SECONDS) return { ok: false, fault: "from-the-future" };
    if (createdAt + ttlSeconds < now) return { ok: false, fault: "expired" };
  }
  return { ok: true, data: opened.data, createdAt };
}

/** The same data encrypted with the first key; the time stays, so that a token grows no younger. */
export function reseal(
  token: string,
  keys: FernetKeys,
  random: (bytes: number) => Uint8Array = randomBytes,
): { ok: true; token: string } | { ok: false; fault: FernetFault } {
  const opened = openWith(token, keys);
  if (!opened.ok) return opened;
  return { ok: true, token: sealAt(opened.data, keys[0], { time: opened.time, random }) };
}

/** Nothing of a token is believed, its time included, before a key has vouched for all of it. */
function openWith(
  token: string,
  keys: FernetKeys,
): { ok: true; data: Buffer; time: bigint } | { ok: false; fault: FernetFault } {
  const bytes = decodeBase64Url(token);
  if (bytes === undefined) return { ok: false, fault: "not-base64url" };
  if (bytes.length < CIPHERTEXT_AT + MAC_BYTES) return { ok: false, fault: "too-short" };
  if (bytes[0] !== VERSION) return { ok: false, fault: "wrong-version" };
  const signed = bytes.subarray(0, -MAC_BYTES);
  const mac = bytes.subarray(-MAC_BYTES);
  const payloadBytes = signed.length - CIPHERTEXT_AT;
  if (payloadBytes === 0 || payloadBytes % BLOCK_BYTES !== 0) return { ok: false, fault: "not-whole-blocks" };
  const key = keys.find((candidate) => timingSafeEqual(macOf(signed, candidate), mac));
  if (key === undefined) return { ok: false, fault: "wrong-mac" };
  const decipher = createDecipheriv("aes-128-cbc", key.encryption, signed.subarray(IV_AT, CIPHERTEXT_AT));
  try {
    const data = Buffer.concat([decipher.update(signed.subarray(CIPHERTEXT_AT)), decipher.final()]);
    return { ok: true, data, time: bytes.readBigUInt64BE(TIME_AT) };
  } catch {
    return { ok: false, fault: "wrong-padding" }; // The only thing that a cipher without authentication checks.
  }
}
