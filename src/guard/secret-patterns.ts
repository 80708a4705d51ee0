/** What secrets look like: a cheap sign that there may be one, and the kinds that secretlint's rules do not know. */

/** `[secret removed: GitHub token]` */
export const removedMark = (kind: string): string => `[secret removed: ${kind}]`;
const MARKS = /\[secret removed: [^\]]*\]/g;

/**
 * What a text must hold for any rule or pattern to find something: the fixed beginnings of tokens. One pass of about
 * 10 ns a character; only where it hits, secretlint is loaded and asked. A test holds it against every rule.
 */
export const CANDIDATE = new RegExp(
  [
    "sk-[\\w-]{16}", // OpenAI, Anthropic, and everybody who copied the form
    "[rs]k_(?:live|test)_", // Stripe
    "gsk_",
    "hf_",
    "lin_api_",
    "ntn_",
    "npm_",
    "_authToken=",
    "gh[oprsu]_",
    "github_pat_",
    ":x-oauth-basic@",
    "glpat-",
    "gl(?:c|sa)_", // Grafana
    "ops_ey", // 1Password
    "hv[brs]\\.", // HashiCorp Vault
    "vc[aikpr]_", // Vercel
    "dapi[\\da-f]{32}", // Databricks
    "dckr_pat_",
    "figd_",
    "cf(?:k|ut|at)_", // Cloudflare
    "tskey-", // Tailscale
    "xox[a-z]-|xapp-|hooks\\.slack",
    "SG\\.\\w",
    "shp(?:pa|ca|at|ss)_", // Shopify
    "-----BEGIN",
    "access_?key", // AWS
    "A[KS]IA[A-Z\\d]{16}",
    "AIza",
    // Only where a word begins: of a megabyte of `eyJeyJ…` each would read all the rest.
    "(?<![\\w-])eyJ[\\w-]{8,}\\.eyJ",
    "lsv2_",
    "://[^\\s/]{3,301}@", // name and password in an address
    "(?<![\\w-])[\\w-]{43}=", // Fernet
  ].join("|"),
  "i",
);

export interface SecretPattern {
  kind: string;
  /** Global. The secret is its group `secret`, or all of it. */
  pattern: RegExp;
  /** Tells a secret from what only looks like one. */
  isSecret?: (secret: string, before: string) => boolean;
}

/** Characters before a match that `isSecret` is given. */
export const CONTEXT_CHARACTERS = 60;

const hasLetterAndDigit = (text: string) => /\d/.test(text) && /[A-Za-z]/.test(text);

const PLACEHOLDER = /^(?:(?:your|my|the)?[-_]?(?:passwo?r?d?|pwd|pass|secret)|changeme|(.)\1*|%\w+%)$/i;
const BREAK = "(?:\\s|\\\\[nr])"; // also as JSON writes it
const PRIVATE_KEY = new RegExp(
  "-----BEGIN (?:[A-Z\\d]{1,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!-)){0,400}?[A-Za-z\\d+/]{40,}=*" +
    `(?:${BREAK}+[A-Za-z\\d+/]{40,}=*)*` +
    `(?:(?:${BREAK}+[A-Za-z\\d+/=]{1,76}){0,3}${BREAK}*-----END [A-Z\\d ]{1,40}-----)?`,
  "g",
);

/** Kinds that secretlint's recommended rules miss (or, for AWS ids, leave out). */
export const OWN_PATTERNS: readonly SecretPattern[] = [
  // https://docs.cloud.google.com/docs/authentication/api-keys
  { kind: "Google API key", pattern: /(?<![\w-])AIza[\w-]{35}(?![\w-])/g },
  {
    kind: "AWS access key id",
    pattern: /\bA[KS]IA[A-Z\d]{16}\b/g,
    isSecret: (id) => !id.endsWith("EXAMPLE"), // AWS's own documentation
  },
  {
    // In secretlint's stead: that one misses keys that end in `/` or `+`, or whose quotes are escaped as in JSON.
    kind: "AWS secret key",
    pattern:
      /secret_?access_?key\\?["']?\s*(?::|=>|=)\s*\\?["']?(?<secret>[A-Za-z\d/+=]{40})(?![A-Za-z\d/+=])/gi,
    isSecret: (key) => !key.endsWith("EXAMPLEKEY"),
  },
  // RFC 7519: two JSON objects, which begin with `{"`, and a signature.
  { kind: "JSON Web Token", pattern: /(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/g },
  { kind: "LangSmith key", pattern: /(?<![\w-])lsv2_(?:pt|sk)_[\da-f]{32}_[\da-f]{8,12}(?![\w-])/g },
  {
    // 32 bytes in base64url, so the last letter before the padding has two bits. https://github.com/fernet/spec
    // A base64 hash has the same length: without `-` or `_`, which hashes in code lack, a word must say what it is.
    kind: "Fernet key",
    pattern: /(?<![\w+/-])[\w-]{42}[AEIMQUYcgkosw048]=(?!=)/g,
    isSecret: (key, before) =>
      hasLetterAndDigit(key) &&
      (/[-_]/.test(key) || /fernet|key|secret|token/i.test(before.replace(MARKS, ""))),
  },
  { kind: "npm token", pattern: /_authToken=(?<secret>[\w.+/=-]{8,})/g },
  {
    // secretlint knows few schemes (no redis, no amqp) and no signs in passwords.
    kind: "password in an address",
    pattern:
      /\b[a-z][a-z\d+.-]{1,20}:\/\/[^\s:@/"'`<>{}$%]{0,100}:(?<secret>[^\s@/"'`<>{}$,;]{4,200})(?=@[\w[])/gi,
    isSecret: (password) => !PLACEHOLDER.test(password),
  },
  {
    kind: "API key",
    pattern: /(?<![\p{L}\p{N}_-])sk-(?:[A-Za-z\d]{1,12}[-_]){0,3}(?<body>[A-Za-z\d]{20,})[\w-]*/gu,
    isSecret: (key) => (key.match(/[A-Za-z\d]{20,}/g) ?? []).some(hasLetterAndDigit),
  },
  {
    // secretlint wants a whole key of the common kinds; a PGP block, or one that was cut off, is as bad.
    kind: "private key",
    pattern: PRIVATE_KEY,
  },
];

/** What secretlint 13 reports at the wrong place, so that a part would be left: patterns above find it instead. */
export const MISPLACED_MESSAGES: ReadonlySet<string> = new Set([
  "AWSSecretAccessKey",
  "PackageJSON_xOauthToken",
]);

/** Names of secretlint's rules, as people call what they find. */
export const RULE_KINDS: Readonly<Record<string, string>> = {
  aws: "AWS secret key",
  gcp: "Google Cloud key",
  privatekey: "private key",
  npm: "npm token",
  basicauth: "password in an address",
  slack: "Slack token",
  sendgrid: "SendGrid key",
  shopify: "Shopify key",
  stripe: "Stripe key",
  github: "GitHub token",
  gitlab: "GitLab token",
  grafana: "Grafana token",
  openai: "OpenAI key",
  anthropic: "Anthropic key",
  groq: "Groq key",
  huggingface: "Hugging Face token",
  linear: "Linear key",
  notion: "Notion token",
  "1password": "1Password token",
  "database-connection-string": "database password",
  "hashicorp-vault": "HashiCorp Vault token",
  vercel: "Vercel token",
  databricks: "Databricks token",
  docker: "Docker token",
  figma: "Figma token",
  cloudflare: "Cloudflare token",
  tailscale: "Tailscale key",
};
