// Addresses: local@domain/resource.

/** The address without its resource. */
export const bare = (address) => address.split('/', 1)[0];

/** What comes before the @, or the whole of a domain. */
export const local = (address) => bare(address).split('@', 1)[0];

/** The resource, if there is one. */
export const resource = (address) => address.slice(bare(address).length + 1);

/**
 * What somebody typed as the address of an account: a name alone is one of the domain's. Null where
 * it cannot be one. What is subtler than this, the server knows.
 */
export function typed(text, domain) {
  const address = text.trim().replace(/^xmpp:/i, '');
  const whole = address.includes('@') ? address : `${address}@${domain}`;
  return /^[^\s@/"&':<>]+@[^\s@/"&'<>]+$/.test(whole) ? whole.toLowerCase() : null;
}
