/** One made-up secret of every kind. They are put together here, so that no scanner takes this file for a leak. */
const LETTERS = "aB3dE5gH7jK9mN1pQ2sT4vW6xY8zC0fL";
/** Letters and digits that repeat in no pattern worth naming. */
const mixed = (length: number, alphabet = LETTERS) =>
  Array.from({ length }, (_, index) => alphabet[(index * 7 + (index >> 2)) % alphabet.length]).join("");
const hex = (length: number) => mixed(length, "0a1b2c3d4e5f6789");
const digits = (length: number) => mixed(length, "0123456789");
const key = (title: string, body: string) =>
  [`-----BEGIN ${title}-----`, ...(body.match(/.{1,64}/g) ?? []), `-----END ${title}-----`].join("\n");
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64");
const onePassword = base64({ email: mixed(30), muk: { k: mixed(43) }, secretKey: mixed(40), userAuth: {} });
const jwt = ["eyJhbGciOiJIUzI1NiJ9", `eyJ${mixed(40)}`, mixed(43)].join(".");

/** Kind, as the product names it, and a text that is one. `rule` is secretlint's rule; none: only ours find it. */
export interface Sample {
  kind: string;
  secret: string;
  rule?: string;
}

export const SAMPLES: readonly Sample[] = [
  { kind: "OpenAI key", rule: "openai", secret: `sk-proj-${mixed(74)}T3Blbk${"FJ"}${mixed(74)}` },
  { kind: "OpenAI key", rule: "openai", secret: `sk-${mixed(20)}T3Blbk${"FJ"}${mixed(20)}` },
  { kind: "Anthropic key", rule: "anthropic", secret: `sk-ant-api03-${mixed(93)}AA` },
  { kind: "AWS secret key", rule: "aws", secret: `${mixed(36)}/+${mixed(2)}` },
  { kind: "Slack token", rule: "slack", secret: ["xoxb", digits(12), mixed(24)].join("-") },
  { kind: "Slack token", rule: "slack", secret: "xoxp-a-b" },
  {
    kind: "Slack token",
    rule: "slack",
    secret: `https://hooks.slack.com/services/T${mixed(9)}/B${mixed(9)}/${mixed(24)}`,
  },
  { kind: "npm token", rule: "npm", secret: `npm_${mixed(36)}` },
  { kind: "password in an address", rule: "basicauth", secret: "https://maria:s3same-Open@shop.test" },
  { kind: "private key", rule: "privatekey", secret: key("RSA PRIVATE KEY", `MIIE${mixed(300)}`) },
  {
    kind: "private key",
    rule: "privatekey",
    secret: key("OPENSSH PRIVATE KEY", `b3BlbnNzaC1rZXktdjE${mixed(300)}`),
  },
  { kind: "SendGrid key", rule: "sendgrid", secret: `SG.${mixed(22)}.${mixed(43)}` },
  { kind: "Shopify key", rule: "shopify", secret: `shpat_${mixed(32)}` },
  { kind: "Stripe key", rule: "stripe", secret: `sk_live_${mixed(24)}` },
  { kind: "Stripe key", rule: "stripe", secret: `rk_test_${mixed(24)}` },
  { kind: "GitHub token", rule: "github", secret: `ghp_${mixed(36)}` },
  { kind: "GitHub token", rule: "github", secret: `ghs_${digits(7)}_${jwt}` },
  { kind: "GitHub token", rule: "github", secret: `github_pat_${mixed(82)}` },
  { kind: "GitLab token", rule: "gitlab", secret: `glpat-${mixed(20)}` },
  { kind: "Grafana token", rule: "grafana", secret: `glc_eyJ${mixed(60)}=` },
  { kind: "Grafana token", rule: "grafana", secret: `glsa_${mixed(32)}_${hex(8)}` },
  { kind: "Groq key", rule: "groq", secret: `gsk_${mixed(52)}` },
  { kind: "Hugging Face token", rule: "huggingface", secret: `hf_${mixed(34, "aBcDeFgHiJkLmNoP")}` },
  { kind: "Linear key", rule: "linear", secret: `lin_api_${mixed(40)}` },
  { kind: "Notion token", rule: "notion", secret: `ntn_${digits(11)}${mixed(35)}` },
  { kind: "1Password token", rule: "1password", secret: `ops_${onePassword}` },
  {
    kind: "database password",
    rule: "database-connection-string",
    secret: "postgres://app:s3same-Open@db.internal:5432/app",
  },
  {
    kind: "database password",
    rule: "database-connection-string",
    secret: "MongoDB+srv://app:s3same-Open@cluster.internal/app",
  },
  {
    kind: "database password",
    rule: "database-connection-string",
    secret: "jdbc:mysql://app:s3same-Open@db.internal/app",
  },
  { kind: "HashiCorp Vault token", rule: "hashicorp-vault", secret: `hvs.${mixed(95)}` },
  { kind: "HashiCorp Vault token", rule: "hashicorp-vault", secret: `hvb.${mixed(140)}` },
  { kind: "Vercel token", rule: "vercel", secret: `vcp_${mixed(24)}` },
  { kind: "Databricks token", rule: "databricks", secret: `dapi${hex(32)}` },
  { kind: "Docker token", rule: "docker", secret: `dckr_pat_${mixed(27)}` },
  { kind: "Figma token", rule: "figma", secret: `figd_${mixed(43)}` },
  { kind: "Cloudflare token", rule: "cloudflare", secret: `cfut_${mixed(40)}${hex(8)}` },
  { kind: "Tailscale key", rule: "tailscale", secret: `tskey-auth-${mixed(12)}-${mixed(32)}` },
  { kind: "AWS secret key", secret: `${mixed(38)}/+` },
  { kind: "password in an address", secret: `https://${hex(40)}:x-oauth-basic@github.com` },
  { kind: "npm token", secret: hex(36) },
  { kind: "password in an address", secret: "s3same!Open" },
  { kind: "Google API key", secret: `AIza${mixed(35)}` },
  { kind: "AWS access key id", secret: `AKIA${mixed(16, "A1B2C3D4E5F6G7H8")}` },
  { kind: "JSON Web Token", secret: jwt },
  { kind: "LangSmith key", secret: `lsv2_pt_${hex(32)}_${hex(10)}` },
  { kind: "Fernet key", secret: "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=" }, // of the Fernet specification
  { kind: "API key", secret: `sk-or-v1-${hex(64)}` },
  { kind: "private key", secret: key("PGP PRIVATE KEY BLOCK", `lQOY${mixed(300)}`) },
  { kind: "private key", secret: `-----BEGIN PRIVATE KEY-----\nMIIE${mixed(60)}\n${mixed(64)}` }, // cut off
];

/** What stands before secrets that can only be told by it. */
function leadOf({ kind, secret }: Sample): string {
  if (kind === "AWS secret key") return "aws_secret_access_key = ";
  if (kind === "npm token" && !secret.startsWith("npm_")) return "_authToken=";
  return kind === "password in an address" && !secret.includes("@") ? "redis://:" : "";
}

/** A sentence with the secret in it, as people paste them; `start` says where. */
export function sentenceWith(sample: Sample, before = "Please use this: "): { text: string; start: number } {
  const lead = before + leadOf(sample);
  const end = lead.endsWith("redis://:") ? "@cache.internal" : "";
  return { text: `${lead}${sample.secret}${end} and tell nobody.`, start: lead.length };
}
