// Conversations, as long as this tab is open. Nothing is kept anywhere else.

/** Bounds of what others can make this page remember. */
const most = { messages: 1000, strangers: 100 };

/**
 * What became of a message that was sent:
 * `waiting`  written when there is a connection again,
 * `sending`  written, and the server has not said that it has it,
 * `sent`     the server has it,
 * `unsure`   the connection was lost before it said so,
 * `failed`   somebody said no.
 */
export class Message {
  constructor({ id, mine, subject = '', body, sent, state = 'sent' }) {
    this.id = id;
    this.mine = mine;
    this.subject = subject;
    this.body = body;
    this.sent = sent;
    this.state = state;
    /** Why it failed. */
    this.why = '';
  }
}

export class Conversation {
  messages = [];
  unread = 0;

  constructor(address) {
    this.address = address;
  }

  get last() {
    return this.messages.at(-1) ?? null;
  }

  add(message) {
    this.messages.push(message);
    if (this.messages.length > most.messages) this.messages.shift();
    return message;
  }

  /**
   * Whether a message is here already, because somebody was unsure and sent it again. It has the same
   * id then, and says the same. Ids that are short may be counted anew each day, so they prove nothing.
   */
  has({ id, mine, body }) {
    const same = (it) => it.id === id && it.mine === mine && it.body === body;
    return id != null && id.length >= 8 && this.messages.slice(-100).some(same);
  }
}

export class Chats {
  #conversations = new Map();

  get all() {
    return [...this.#conversations.values()];
  }

  get unread() {
    return this.all.reduce((sum, it) => sum + it.unread, 0);
  }

  /** The conversation with somebody, which begins where there was none. */
  with(address) {
    const known = this.#conversations.get(address);
    if (known) return known;
    const conversation = new Conversation(address);
    this.#conversations.set(address, conversation);
    return conversation;
  }

  find(address) {
    return this.#conversations.get(address) ?? null;
  }

  /** Takes a message that came; null where it was here already. */
  received(facts, isContact, now = new Date()) {
    if (!this.#conversations.has(facts.with) && !isContact(facts.with)) this.#makeRoom(isContact);
    const conversation = this.with(facts.with);
    if (conversation.has(facts)) return null;
    if (!facts.mine) conversation.unread += 1;
    return conversation.add(new Message({ ...facts, sent: facts.sent ?? now }));
  }

  /** A message that is to be sent. */
  compose(address, id, body, now = new Date()) {
    const message = new Message({ id, mine: true, body, sent: now, state: 'waiting' });
    return this.with(address).add(message);
  }

  /** Those that were written while there was no connection, in the order in which they were. */
  get waiting() {
    return this.all
      .flatMap(({ address, messages }) => messages.map((message) => ({ address, message })))
      .filter(({ message }) => message.state === 'waiting')
      .sort((one, other) => one.message.sent - other.message.sent);
  }

  /** Whether something would be lost with this tab. */
  get isUnfinished() {
    const isOpen = (it) => it.state === 'waiting' || it.state === 'sending';
    return this.all.some((it) => it.messages.some(isOpen));
  }

  /** Takes an error that came back for a message; null where it is for none of these. */
  failed(address, id, why) {
    const message = this.find(address)?.messages.findLast((it) => it.mine && it.id === id);
    if (!id || !message) return null;
    message.state = 'failed';
    message.why = why;
    return message;
  }

  /** However many strangers write, so many of them are remembered: those who wrote last. */
  #makeRoom(isContact) {
    const strangers = this.all.filter((it) => !isContact(it.address));
    if (strangers.length < most.strangers) return;
    const oldest = strangers.reduce((one, it) => ((it.last?.sent ?? 0) < (one.last?.sent ?? 0) ? it : one));
    this.#conversations.delete(oldest.address);
  }
}
