// What conditions of RFC 6120 and XEP-0077 mean to people.

import { child } from './xml.js';

/** Somebody said no: the condition's name, and what to tell. */
export class Refused extends Error {
  constructor(condition, message, { final = false } = {}) {
    super(message);
    this.condition = condition;
    /** Whether trying again without changing anything would end the same way. */
    this.final = final;
  }

  /** Reads the condition of an error in one of the namespaces for them. */
  static from(error, namespace, words, options) {
    const condition = Array.from(error?.children ?? [])
      .find((it) => it.namespaceURI === namespace && it.localName !== 'text')?.localName;
    const text = child(error, 'text', namespace)?.textContent;
    const told = words[condition] ?? text ?? `The server refused (${condition ?? 'no reason given'}).`;
    return new Refused(condition, told, options);
  }
}

/** There is no connection, or not any more. */
export class Lost extends Error {}

export const login = {
  'account-disabled': 'This account is disabled.',
  'credentials-expired': 'The password has expired.',
  'not-authorized': 'No account has this name and password.',
  'temporary-auth-failure': 'The server takes no logins right now. Try again a little later.',
};

export const registration = {
  conflict: 'This name is taken.',
  'jid-malformed': 'This cannot be a user name.',
  'not-acceptable': 'The server does not accept this name or this password.',
  'not-allowed': 'This server lets nobody make an account here.',
  'resource-constraint': 'Too many accounts were asked for. Try again later.',
  'service-unavailable': 'This server lets nobody make an account here.',
};

export const stanza = {
  forbidden: 'This is not allowed.',
  'item-not-found': 'Nobody has this address.',
  'jid-malformed': 'This is no address.',
  'not-acceptable': 'This was not accepted.',
  'not-allowed': 'This is not allowed.',
  'policy-violation': 'The server does not let this through.',
  'recipient-unavailable': 'They are not there.',
  'remote-server-not-found': 'This server cannot be reached.',
  'remote-server-timeout': 'This server cannot be reached.',
  'resource-constraint': 'There is no room for more.',
  'service-unavailable': 'It could not be delivered.',
};

export const stream = {
  conflict: 'This session was replaced by another one.',
  'host-unknown': 'This server does not serve that domain.',
  'not-authorized': 'This account is gone, or its sessions were ended.',
  'policy-violation': 'The server closed the connection: that was too much at once.',
  'system-shutdown': 'The server is shutting down.',
};
