// SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, and neither tells it.
// The arithmetic is the browser's, which has it on https and on localhost only.

const crypto = globalThis.crypto;
const bytes = (text) => new TextEncoder().encode(text);
const base64 = (data) => btoa(String.fromCharCode(...new Uint8Array(data)));
const unbase64 = (text) => Uint8Array.from(atob(text), (it) => it.charCodeAt(0));

/** The mechanisms this page speaks, the strongest first, and how WebCrypto calls their hash. */
export const mechanisms = {
  'SCRAM-SHA-512': { hash: 'SHA-512', bits: 512 },
  'SCRAM-SHA-256': { hash: 'SHA-256', bits: 256 },
  'SCRAM-SHA-1': { hash: 'SHA-1', bits: 160 },
};

/** Fewer rounds are a sign of somebody fishing for passwords, more of somebody wasting our time. */
const rounds = { least: 4096, most: 10_000_000 };

/**
 * A password as a key. From here on nobody can read it, this page included; it is good for logging
 * in again when the connection is lost.
 */
export function secretOf(password) {
  // RFC 4013, as far as keyboards go: any space is a space, and compatible characters are the same.
  const prepared = password.replace(/\p{Zs}/gu, ' ').normalize('NFKC');
  return crypto.subtle.importKey('raw', bytes(prepared), 'PBKDF2', false, ['deriveBits']);
}

/** One login. */
export class Scram {
  #user;
  #secret;
  #kind;
  #nonce;
  #expected;

  constructor(mechanism, user, secret, nonce = base64(crypto.getRandomValues(new Uint8Array(24)))) {
    this.#kind = mechanisms[mechanism];
    this.#user = user.normalize('NFKC').replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#secret = secret;
    this.#nonce = nonce;
  }

  /** What the client says first. */
  begin() {
    return btoa(String.fromCharCode(...bytes(`n,,${this.#bare()}`)));
  }

  /** What the client answers to the server's challenge. */
  async answer(challenge) {
    const first = new TextDecoder().decode(unbase64(challenge));
    const { r: nonce, s: salt, i: count } = fields(first);
    const iterations = Number(count);
    if (!nonce?.startsWith(this.#nonce) || nonce === this.#nonce || !salt) {
      throw new Error('the server does not keep to SCRAM');
    }
    if (!(iterations >= rounds.least && iterations <= rounds.most)) {
      throw new Error(`the server wants ${count} rounds, which is not sensible`);
    }
    const { hash, bits } = this.#kind;
    const recipe = { name: 'PBKDF2', hash, salt: unbase64(salt), iterations };
    const salted = await crypto.subtle.deriveBits(recipe, this.#secret, bits);
    const clientKey = new Uint8Array(await this.#hmac(salted, 'Client Key'));
    const storedKey = await crypto.subtle.digest(hash, clientKey);
    const last = `c=biws,r=${nonce}`;
    const whole = `${this.#bare()},${first},${last}`;
    const signature = new Uint8Array(await this.#hmac(storedKey, whole));
    const serverKey = await this.#hmac(salted, 'Server Key');
    this.#expected = base64(await this.#hmac(serverKey, whole));
    const proof = clientKey.map((byte, at) => byte ^ signature[at]);
    return base64(bytes(`${last},p=${base64(proof)}`));
  }

  /** Whether the server knows the password as well. Who does not is not the server. */
  isServer(success) {
    const { v: signature } = fields(new TextDecoder().decode(unbase64(success)));
    return this.#expected != null && signature === this.#expected;
  }

  #bare() {
    return `n=${this.#user},r=${this.#nonce}`;
  }

  async #hmac(key, text) {
    const algorithm = { name: 'HMAC', hash: this.#kind.hash };
    const imported = await crypto.subtle.importKey('raw', key, algorithm, false, ['sign']);
    return crypto.subtle.sign('HMAC', imported, bytes(text));
  }
}

const fields = (message) =>
  Object.fromEntries(message.split(',').map((it) => [it[0], it.slice(2)]));
