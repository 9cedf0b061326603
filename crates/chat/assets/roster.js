// Contacts and who is there: what the server has told, and nothing else (RFC 6121 §2 to §4).

import { bare, local, resource } from './address.js';

/** Bounds of what others can make this page remember. */
const most = { requests: 50, resources: 32 };

export class Roster {
  #self;
  #contacts = new Map();
  #present = new Map();
  #requests = new Set();

  constructor(self) {
    this.#self = self;
  }

  /** Starts anew with the contacts of a roster that was fetched. Nobody's presence is known yet. */
  load(items) {
    this.#contacts = new Map(items.map((it) => [it.address, it]));
    this.#present.clear();
  }

  /** Takes what the server says of one contact. */
  push(item) {
    if (item.subscription === 'remove') {
      this.#contacts.delete(item.address);
      this.#present.delete(item.address);
    } else {
      this.#contacts.set(item.address, item);
    }
  }

  /** Takes a presence; true where it is to be answered with consent, because this side asked first. */
  presence({ from, type, show, status, priority }) {
    const address = bare(from);
    if (type === 'subscribe') {
      const isWanted = this.isWanted(address);
      if (!isWanted && this.#requests.size < most.requests) this.#requests.add(address);
      return isWanted;
    }
    if (type === 'unsubscribe') this.#requests.delete(address);
    // Whoever is no contact may say that they are there, but it is of no interest.
    if (!this.#contacts.has(address) && address !== this.#self) return false;
    const resources = this.#present.get(address) ?? new Map();
    if (type === 'unavailable') resources.delete(resource(from));
    else if (!type && (resources.size < most.resources || resources.has(resource(from)))) {
      resources.set(resource(from), { show: show || 'online', status, priority });
    }
    this.#present.set(address, resources);
    return false;
  }

  /** Forgets a request that was answered. */
  answered(address) {
    this.#requests.delete(address);
  }

  get contacts() {
    return [...this.#contacts.values()];
  }

  /** Who asks to see when this account is there. */
  get requests() {
    return [...this.#requests];
  }

  contact(address) {
    return this.#contacts.get(address) ?? null;
  }

  /** Whether this side has asked to see when somebody is there. */
  isWanted(address) {
    const contact = this.#contacts.get(address);
    return contact != null && (contact.asked || ['to', 'both'].includes(contact.subscription));
  }

  /** How somebody is there, by the session that wants messages most; null where nobody is. */
  presenceOf(address) {
    const sessions = [...(this.#present.get(address)?.values() ?? [])];
    return sessions.reduce((best, it) => (best && best.priority >= it.priority ? best : it), null);
  }

  /** What to call somebody. Of strangers nothing is known but the address, and all of it matters. */
  nameOf(address) {
    const contact = this.#contacts.get(address);
    return contact ? contact.name || local(address) : address;
  }
}

/** The contacts in a roster or in what is said of one. */
export function items(iq) {
  return Array.from(iq.firstElementChild?.children ?? [])
    .filter((it) => it.localName === 'item' && it.hasAttribute('jid'))
    .map((it) => ({
      address: it.getAttribute('jid'),
      name: it.getAttribute('name') ?? '',
      subscription: it.getAttribute('subscription') ?? 'none',
      asked: it.getAttribute('ask') === 'subscribe',
    }));
}
