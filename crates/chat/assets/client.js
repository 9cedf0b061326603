// What a person does with a session: contacts, messages, being there. view.js shows it.

import { bare } from './address.js';
import { Chats } from './chat.js';
import { read } from './message.js';
import { Roster, items } from './roster.js';
import * as words from './words.js';
import { child, ns, said, x } from './xml.js';

export class Client {
  /** Told that something is different. */
  onchange = () => {};
  /** Told each message that came. */
  onmessage = () => {};

  chats = new Chats();
  roster;
  /** How the session is, and until when or why. */
  state = 'connecting';
  detail = null;

  #session;
  #names = new Map();

  constructor(session) {
    this.#session = session;
    this.roster = new Roster(session.self);
    session.onstate = (state, detail) => this.#changed(() => this.#become(state, detail));
    session.onroster = (iq) => this.#changed(() => this.roster.load(items(iq)));
    session.onpush = (iq) => this.#changed(() => items(iq).forEach((it) => this.roster.push(it)));
    session.onstanza = (stanza) => this.#changed(() => this.#take(stanza));
  }

  get self() {
    return this.#session.self;
  }

  isContact = (address) => this.roster.contact(address) != null;

  /** What to call somebody: as the roster says, as a contact's card says, or by the address. */
  nameOf(address) {
    return this.roster.contact(address)?.name || this.#names.get(address) || this.roster.nameOf(address);
  }

  /** Sends a message, at once or when there is a connection again. */
  say(address, body) {
    const message = this.chats.compose(address, crypto.randomUUID(), body);
    this.#send(address, message);
  }

  /** Sends a message of which nobody knows whether it arrived. It keeps its id: see `Conversation.has`. */
  sayAgain(address, message) {
    message.sent = new Date();
    this.#send(address, message);
  }

  /** Makes somebody a contact, and asks to see when they are there; whoever asked for the same may. */
  async add(address) {
    if (this.roster.requests.includes(address)) this.#consent(address);
    const item = x('item', { jid: address, name: this.roster.contact(address)?.name || null });
    await this.#session.ask({ type: 'set' }, x('query', { xmlns: ns.roster }, item));
    this.#session.send('presence', { to: address, type: 'subscribe' });
  }

  /** Makes somebody no contact any more, in both directions. */
  async remove(address) {
    const item = x('item', { jid: address, subscription: 'remove' });
    await this.#session.ask({ type: 'set' }, x('query', { xmlns: ns.roster }, item));
  }

  /** Lets somebody see when this account is there, and asks for the same. */
  async accept(address) {
    this.#consent(address);
    if (!this.roster.isWanted(address)) await this.add(address);
  }

  /** Lets somebody not see when this account is there. */
  decline(address) {
    this.#changed(() => {
      this.#session.send('presence', { to: address, type: 'unsubscribed' });
      this.roster.answered(address);
    });
  }

  /** Looks up the name on a contact's card (XEP-0054), once. Strangers could call themselves anything. */
  async lookUp(address) {
    if (!this.isContact(address) || this.#names.has(address) || this.state !== 'online') return;
    this.#names.set(address, '');
    try {
      const answer = await this.#session.ask({ type: 'get', to: address }, x('vCard', { xmlns: ns.vcard }));
      const name = said(child(answer, 'vCard', ns.vcard), 'FN', ns.vcard).trim().slice(0, 64);
      this.#changed(() => this.#names.set(address, name));
    } catch {
      // Many have no card.
    }
  }

  show(show) {
    this.#session.show(show);
  }

  hurry() {
    this.#session.hurry();
  }

  leave() {
    this.#session.stop();
  }

  #take(stanza) {
    if (stanza.localName === 'presence') this.#presence(stanza);
    if (stanza.localName === 'message') this.#message(stanza);
  }

  #presence(stanza) {
    const from = stanza.getAttribute('from') ?? this.self;
    const consents = this.roster.presence({
      from,
      type: stanza.getAttribute('type'),
      show: said(stanza, 'show', ns.client),
      status: said(stanza, 'status', ns.client),
      priority: Number(said(stanza, 'priority', ns.client)) || 0,
    });
    if (consents) this.#consent(bare(from));
  }

  #consent(address) {
    this.#session.send('presence', { to: address, type: 'subscribed' });
    this.#changed(() => this.roster.answered(address));
  }

  #message(stanza) {
    const facts = read(stanza, this.self);
    if (facts?.error) {
      const why = words.Refused.from(facts.error, ns.stanzaError, words.stanza).message;
      this.chats.failed(facts.with, facts.id, why);
    } else if (facts) {
      const message = this.chats.received(facts, this.isContact);
      if (message) this.onmessage(this.chats.with(facts.with), message);
    }
  }

  #become(state, detail) {
    this.state = state;
    this.detail = detail;
    if (state !== 'online') return;
    for (const { address, message } of this.chats.waiting) this.#send(address, message);
  }

  async #send(to, message) {
    const body = x('body', {}, message.body);
    const become = (state) => this.#changed(() => { message.state = state; });
    if (this.#session.state !== 'online') return become('waiting');
    become('sending');
    try {
      await this.#session.deliver('message', { to, id: message.id, type: 'chat' }, body);
      // What came back in the meantime is worse, and true.
      if (message.state === 'sending') become('sent');
    } catch {
      if (message.state === 'sending') become('unsure');
    }
  }

  #changed(change) {
    change();
    this.onchange();
  }
}
