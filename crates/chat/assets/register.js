// Making an account in band (XEP-0077), over a stream of its own.

import { Stream } from './stream.js';
import { Refused, registration } from './words.js';
import { child, ns, x } from './xml.js';

/** What is no field, though it stands among them. */
const notFields = ['instructions', 'key', 'registered', 'x'];

/** Makes the account, or throws why there is none. */
export async function register(url, domain, username, password) {
  const stream = new Stream(url, domain);
  try {
    await stream.features();
    const form = await asked(stream, { type: 'get', to: domain });
    const fields = Array.from(child(form, 'query', ns.register)?.children ?? [])
      .filter((it) => it.namespaceURI === ns.register && !notFields.includes(it.localName))
      .map((it) => it.localName);
    const more = fields.filter((it) => it !== 'username' && it !== 'password');
    if (more.length > 0) {
      const wanted = `The server wants to know more (${more.join(', ')}): make the account with another client.`;
      throw new Refused('not-acceptable', wanted);
    }
    await asked(stream, { type: 'set', to: domain }, x('username', {}, username), x('password', {}, password));
  } finally {
    stream.close();
  }
}

async function asked(stream, attributes, ...fields) {
  try {
    return await stream.ask(attributes, x('query', { xmlns: ns.register }, ...fields));
  } catch (error) {
    throw new Refused(error.condition, registration[error.condition] ?? error.message);
  }
}
