// XML: written from trees of plain objects, read by the browser's parser. Everything that comes from
// elsewhere is text to this page; no module makes HTML of a string, and the browser is told to refuse
// whoever tries (Content-Security-Policy, Trusted Types).

export const ns = {
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  carbons: 'urn:xmpp:carbons:2',
  client: 'jabber:client',
  delay: 'urn:xmpp:delay',
  forward: 'urn:xmpp:forward:0',
  framing: 'urn:ietf:params:xml:ns:xmpp-framing',
  ping: 'urn:xmpp:ping',
  register: 'jabber:iq:register',
  roster: 'jabber:iq:roster',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  stanzaError: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  stream: 'http://etherx.jabber.org/streams',
  streamError: 'urn:ietf:params:xml:ns:xmpp-streams',
  vcard: 'vcard-temp',
};

/** An element to be written. Attributes and children that are null are left out. */
export const x = (name, attributes = {}, ...children) => ({ name, attributes, children });

/** The element as text. A namespace is an attribute, `xmlns`, and children are in their parent's. */
export function write({ name, attributes, children }) {
  const start = Object.entries(attributes)
    .filter(([, value]) => value != null)
    .map(([key, value]) => ` ${key}="${escaped(value)}"`)
    .join('');
  const content = children
    .filter((child) => child != null)
    .map((child) => (typeof child === 'object' ? write(child) : escaped(child)))
    .join('');
  return content ? `<${name}${start}>${content}</${name}>` : `<${name}${start}/>`;
}

// XML 1.0 §2.2: what it cannot contain at all, not even by reference. Somebody may have pasted it.
const impossible = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;
const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' };

function escaped(text) {
  return String(text).replace(impossible, '\u{FFFD}').replace(/[&<>"\r]/g, (it) => entities[it]);
}

// The one place where a string goes into a parser, and it is the parser of XML.
const gate = globalThis.trustedTypes?.createPolicy('xml', { createHTML: (text) => text });

/** The element in a frame, or null where the frame is none. RFC 6120 §11.1: there are no entities. */
export function parse(text) {
  const parsed = new DOMParser().parseFromString(gate ? gate.createHTML(text) : text, 'text/xml');
  const isOne = parsed.documentElement && !parsed.doctype && !parsed.querySelector('parsererror');
  return isOne ? parsed.documentElement : null;
}

/** The first child of that name, if there is one. */
export function child(element, name, namespace) {
  const is = (it) => it.localName === name && it.namespaceURI === namespace;
  return Array.from(element?.children ?? []).find(is) ?? null;
}

/** What the first child of that name says. */
export const said = (element, name, namespace) => child(element, name, namespace)?.textContent ?? '';
