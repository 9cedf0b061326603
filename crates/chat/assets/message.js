// Messages as facts: who, to whom, what and when, whichever way the stanza came (RFC 6121 §5).

import { bare } from './address.js';
import { child, ns, said } from './xml.js';

/** Types that are said to somebody; what is said to a room is not for this page. */
const kinds = ['chat', 'headline', 'normal'];

/** What a message says to the account `self`, or null where it says nothing to people. */
export function read(stanza, self) {
  const copy = carbon(stanza, self);
  const message = copy ?? stanza;
  const type = message.getAttribute('type') ?? 'normal';
  const from = message.getAttribute('from') ?? self;
  const to = message.getAttribute('to') ?? self;
  const id = message.getAttribute('id');
  if (type === 'error') return { with: bare(from), id, error: child(message, 'error', ns.client) };
  const body = said(message, 'body', ns.client);
  if (!body || !kinds.includes(type)) return null;
  const mine = copy != null && bare(from) === self;
  const subject = said(message, 'subject', ns.client);
  return { with: bare(mine ? to : from), mine, id, subject, body, sent: stamp(stanza, message) };
}

/** The message in a copy of it (XEP-0280). Anybody could send one; only one's own account may. */
function carbon(stanza, self) {
  if (stanza.getAttribute('from') !== self) return null;
  const wrapped = child(stanza, 'received', ns.carbons) ?? child(stanza, 'sent', ns.carbons);
  return child(child(wrapped, 'forwarded', ns.forward), 'message', ns.client);
}

/** When a message that waited was sent (XEP-0203): never later than now, and null for one that did not. */
function stamp(stanza, message) {
  const delay = child(message, 'delay', ns.delay) ?? child(stanza, 'delay', ns.delay);
  const sent = Date.parse(delay?.getAttribute('stamp') ?? '');
  return Number.isNaN(sent) ? null : new Date(Math.min(sent, Date.now()));
}
