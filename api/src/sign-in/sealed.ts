import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

const keyOf = (secret: string) =>
  Buffer.from(hkdfSync('sha256', secret, '', 'streamspace tokens of a sign-in’s provider', 32));

/** A text that only the holder of the secret reads (AES-256-GCM). `iv`: 12 random bytes. */
export function sealed(text: string, secret: string, iv: Buffer): string {
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret), iv);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
}

/** Throws if it is another secret's. */
export function unsealed(text: string, secret: string): string {
  const bytes = Buffer.from(text, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', keyOf(secret), bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
}
