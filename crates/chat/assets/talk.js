// One conversation: who it is with, what was said, and what is being written.

import { h, hue, initial } from './dom.js';

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' });

const shows = { online: 'Available', chat: 'Available', away: 'Away', xa: 'Not here', dnd: 'Busy' };

/** How somebody is there, in words. */
export function presenceWords(client, address) {
  if (client.state !== 'online') return 'No connection';
  const presence = client.roster.presenceOf(address);
  if (presence) return shows[presence.show] ?? 'Available';
  const contact = client.roster.contact(address);
  if (!contact) return 'Not a contact';
  return ['to', 'both'].includes(contact.subscription) ? 'Offline' : 'Has not accepted yet';
}

const states = {
  waiting: 'Waits for a connection',
  sending: 'Sending…',
  sent: '',
  unsure: 'May not have arrived',
  failed: 'Not delivered',
};

export class Talk {
  element = document.getElementById('talk').content.cloneNode(true).firstElementChild;

  #client;
  #conversation;
  #lines = new Map();
  #day = '';
  #log = this.#find('.log');
  #text = this.#find('textarea');

  /** `leave` goes back to all conversations, `remove` asks whether the contact is to go. */
  constructor(client, conversation, { leave, remove }) {
    this.#client = client;
    this.#conversation = conversation;
    const { address } = conversation;
    this.#find('.avatar').dataset.hue = hue(address);
    this.#find('.back').addEventListener('click', leave);
    this.#find('.remove').addEventListener('click', () => remove(address));
    this.#find('.befriend').addEventListener('click', () => client.add(address).catch(() => {}));
    this.#find('.newest').addEventListener('click', () => this.#scrollDown());
    this.#log.addEventListener('scroll', () => this.#atEnd() && this.#nothingBelow());
    this.#find('form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#say();
    });
    this.#text.addEventListener('keydown', (event) => {
      // Enter that chooses a word in an input method is no Enter.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#say();
    });
    this.element.addEventListener('keydown', (event) => event.key === 'Escape' && leave());
    this.draw();
    queueMicrotask(() => this.#scrollDown());
  }

  /** To the text; but where a finger opens a conversation, half of it would be behind a keyboard. */
  focus() {
    const isTouched = matchMedia('(pointer: coarse)').matches;
    (isTouched ? this.#log : this.#text).focus({ preventScroll: true });
  }

  draw() {
    const { address, messages } = this.#conversation;
    this.#client.lookUp(address);
    const name = this.#client.nameOf(address);
    const isContact = this.#client.isContact(address);
    const words = presenceWords(this.#client, address);
    const status = this.#client.roster.presenceOf(address)?.status;
    this.#find('.avatar').textContent = initial(name);
    this.#find('h2').textContent = name;
    const facts = [words, name !== address && address, status];
    this.#find('.who p').textContent = facts.filter(Boolean).join(' · ');
    this.#find('.befriend').hidden = isContact || address === this.#client.self;
    this.#find('.remove').hidden = !isContact;
    this.#log.setAttribute('aria-label', `Messages with ${name}`);
    this.#text.setAttribute('aria-label', `Message to ${name}`);
    this.#drawLines(messages);
  }

  #drawLines(messages) {
    const [first, last] = [messages[0], messages.at(-1)];
    const wasAtEnd = this.#atEnd();
    const isNew = last && !this.#lines.has(last);
    for (const [message, line] of this.#lines) {
      // What is beyond the bound goes from its beginning.
      if (message === first) break;
      line.remove();
      this.#lines.delete(message);
    }
    for (const message of messages) {
      const line = this.#lines.get(message) ?? this.#line(message);
      if (line.dataset.state !== message.state) this.#drawState(line, message);
    }
    if (isNew && (wasAtEnd || last.mine)) this.#scrollDown();
    else if (isNew) this.#find('.newest').hidden = false;
  }

  #line(message) {
    const day = calendar.format(message.sent);
    const list = this.#log.firstElementChild;
    if (day !== this.#day) {
      this.#day = day;
      const name = day === calendar.format(new Date()) ? 'Today' : day;
      list.append(h('li', { class: 'day' }, h('span', {}, name)));
    }
    const who = message.mine ? 'You' : this.#client.nameOf(this.#conversation.address);
    const line = h('li', { class: message.mine ? 'message mine' : 'message' },
      h('span', { class: 'visually-hidden' }, `${who}: `),
      message.subject ? h('p', { class: 'subject' }, message.subject) : null,
      h('p', { class: 'body', dir: 'auto' }, message.body),
      h('p', { class: 'meta' }));
    this.#lines.set(message, line);
    list.append(line);
    return line;
  }

  #drawState(line, message) {
    line.dataset.state = message.state;
    const time = h('time', { datetime: message.sent.toISOString() }, clock.format(message.sent));
    const words = message.state === 'failed' && message.why ? `Not delivered: ${message.why}` : states[message.state];
    const again = () => this.#client.sayAgain(this.#conversation.address, message);
    const canRepeat = message.state === 'unsure' || message.state === 'failed';
    line.querySelector('.meta').replaceChildren(
      ...(words ? [h('span', { class: 'state' }, words), ' '] : []),
      ...(canRepeat ? [h('button', { class: 'link', click: again }, 'Send again'), ' '] : []),
      time,
    );
  }

  #say() {
    const text = this.#text.value.trim();
    if (!text) return;
    this.#text.value = '';
    this.#client.say(this.#conversation.address, text);
    this.#text.focus({ preventScroll: true });
  }

  #atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    return scrollHeight - scrollTop - clientHeight < 48;
  }

  #scrollDown() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#nothingBelow();
  }

  #nothingBelow() {
    this.#find('.newest').hidden = true;
  }

  #find(selector) {
    return this.element.querySelector(selector);
  }
}
