// How a receiver verifies a POST: what is signed, with which key, and what must come out of it. The same
// that `src/notification.rs` does, by the browser's own WebCrypto.

/** What a receiver has: the secret that it gave, two headers and the body. */
export interface Received {
  secret: string;
  id: string;
  seconds: string;
  /** The header `webhook-signature`; none if the POST has none. */
  header: string | undefined;
  body: string;
}

/** One of the two signatures, worked out. */
export interface Worked {
  /** In hexadecimal, bytes apart. */
  key: string;
  message: string;
  /** HMAC-SHA256, as it is written where it is compared. */
  computed: string;
  /** What came; none if nothing did. */
  came: string | undefined;
  isRight: boolean;
}

/** The body's `signature`: hexadecimal, keyed by the secret's bytes, of the body's `timestamp`. */
export async function ofTimestamp({ secret, body }: Received): Promise<Worked> {
  const { timestamp, signature } = members(body);
  const key = bytes(secret);
  const computed = hex(await hmac(key, timestamp ?? ""), "");
  return work(key, timestamp ?? "", computed, signature);
}

/** The header `webhook-signature`: base64, of `id.timestamp.body`. */
export async function ofAll({ secret, id, seconds, header, body }: Received): Promise<Worked> {
  const key = standardKey(secret);
  const message = `${id}.${seconds}.${body}`;
  const mac = await hmac(key, message);
  return work(key, message, `v1,${btoa(String.fromCharCode(...mac))}`, header);
}

/**
 * The key of Standard Webhooks: what `whsec_<base64>` decodes to, with its padding or without, or else the
 * secret's bytes.
 */
function standardKey(secret: string): Uint8Array<ArrayBuffer> {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+)=*$/.exec(secret) ?? [];
  // One character more than whole blocks stands for less than a byte: that is not base64, and so a text.
  if (encoded === undefined || encoded.length % 4 === 1) return bytes(secret);
  return Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
}

async function hmac(key: Uint8Array<ArrayBuffer>, message: string): Promise<Uint8Array> {
  // WebCrypto takes no empty key; HMAC fills a short one with zeros, so that one zero is the same.
  const used = key.length === 0 ? new Uint8Array(1) : key;
  const imported = await crypto.subtle.importKey("raw", used, { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
  ]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytes(message)));
}

function work(key: Uint8Array, message: string, computed: string, came: string | undefined): Worked {
  return { key: hex(key, " "), message, computed, came, isRight: computed === came };
}

/** What the body says of itself; nothing if it is no JSON. */
function members(body: string): { timestamp?: string; signature?: string } {
  try {
    return (JSON.parse(body) as { timestamp?: string; signature?: string } | null) ?? {};
  } catch {
    return {};
  }
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function hex(bytes: Uint8Array, between: string): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(between);
}
