// The page once somebody is in: who there is on one side, the conversation on the other, and on a
// phone one of them at a time. It is drawn anew from what the client knows, whatever has changed.

import { typed } from './address.js';
import { announce, arrange, h, hue, initial, isSure } from './dom.js';
import { Talk, presenceWords } from './talk.js';

export class View {
  element = document.getElementById('inside').content.cloneNode(true).firstElementChild;

  #client;
  #people = new Map();
  #requests = new Map();
  #talks = new Map();
  #current = null;
  #isDue = false;
  #countdown;

  constructor(client, domain) {
    this.#client = client;
    client.onchange = () => this.#later();
    client.onmessage = (conversation, message) => this.#came(conversation, message);
    this.#find('.self .avatar').dataset.hue = hue(client.self);
    this.#find('.self .avatar').textContent = initial(client.self);
    this.#find('.self .address').textContent = client.self;
    this.#find('#show').addEventListener('change', (event) => client.show(event.target.value || null));
    this.#find('.leave').addEventListener('click', () => this.#leave());
    this.#find('.banner button').addEventListener('click', () => client.hurry());
    this.#find('.people').addEventListener('keydown', (event) => this.#walk(event));
    this.#find('.add').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#add(domain);
    });
    document.addEventListener('visibilitychange', this.#later);
    addEventListener('focus', this.#later);
    this.#countdown = setInterval(() => this.#drawBanner(), 1000);
  }

  open() {
    document.body.append(this.element);
    this.#draw();
    (this.#find('.person') ?? this.#find('#add')).focus();
  }

  close() {
    clearInterval(this.#countdown);
    document.removeEventListener('visibilitychange', this.#later);
    removeEventListener('focus', this.#later);
    this.#client.onchange = () => {};
    this.element.remove();
  }

  /** Draws once for all that changes at a time. */
  #later = () => {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      if (this.element.isConnected) this.#draw();
    });
  };

  #draw() {
    const conversation = this.#current && this.#client.chats.find(this.#current);
    if (conversation && document.hasFocus() && this.#isShown()) conversation.unread = 0;
    this.#drawBanner();
    this.#drawRequests();
    this.#drawPeople();
    this.#talks.get(this.#current)?.draw();
    const { unread } = this.#client.chats;
    document.title = unread > 0 ? `(${unread}) sestina chat` : 'sestina chat';
  }

  #drawBanner() {
    const { state, detail } = this.#client;
    const seconds = Math.max(0, Math.ceil((detail - Date.now()) / 1000));
    const words = {
      connecting: 'Connecting…',
      waiting: `The connection was lost. Trying again ${seconds > 0 ? `in ${seconds} s` : 'now'}.`,
    }[state] ?? '';
    const banner = this.#find('.banner');
    const text = banner.firstElementChild;
    banner.hidden = !words;
    banner.querySelector('button').hidden = state !== 'waiting';
    // The seconds are for those who look; whoever listens is told once.
    if (banner.dataset.state !== state) announce(words);
    banner.dataset.state = state;
    if (text.textContent !== words) text.textContent = words;
  }

  #drawRequests() {
    const { requests } = this.#client.roster;
    this.#find('.requests').hidden = requests.length === 0;
    const lines = requests.map((address) => known(this.#requests, address, () => this.#request(address)));
    arrange(this.#find('.requests ul'), lines);
    forget(this.#requests, requests);
  }

  #request(address) {
    const answer = (how) => () => {
      how();
      // The button goes with the request; whoever uses the keyboard stays where it was.
      this.#find('nav').focus();
    };
    return h('li', { class: 'request' },
      h('p', {}, h('strong', {}, address), ' wants to chat and to see when you are online.'),
      h('div', { class: 'buttons' },
        h('button', {
          class: 'primary',
          'aria-label': `Accept ${address}`,
          click: answer(() => this.#client.accept(address).catch(() => {})),
        }, 'Accept'),
        h('button', {
          'aria-label': `Decline ${address}`,
          click: answer(() => this.#client.decline(address)),
        }, 'Decline')));
  }

  /** Those with whom something was said come first, the newest before the others; then by name. */
  #drawPeople() {
    const { chats, roster } = this.#client;
    const addresses = [...new Set([...chats.all.map((it) => it.address), ...roster.contacts.map((it) => it.address)])];
    const newest = (address) => chats.find(address)?.last?.sent.getTime() ?? 0;
    const isHere = (address) => (roster.presenceOf(address) ? 1 : 0);
    const byName = (one, other) => this.#client.nameOf(one).localeCompare(this.#client.nameOf(other));
    addresses.sort((one, other) =>
      newest(other) - newest(one) || isHere(other) - isHere(one) || byName(one, other));
    const lines = addresses.map((address) => {
      const line = known(this.#people, address, () => this.#person(address));
      this.#drawPerson(line, address);
      return line;
    });
    arrange(this.#find('.people'), lines);
    forget(this.#people, addresses);
    forget(this.#talks, addresses);
    this.#find('.empty').hidden = addresses.length > 0;
    if (this.#current && !addresses.includes(this.#current)) this.#show(null);
  }

  #person(address) {
    return h('li', {},
      h('button', { class: 'person', click: () => this.#show(address) },
        h('span', { class: 'avatar', 'aria-hidden': 'true', 'data-hue': hue(address) }),
        h('span', { class: 'who' },
          h('span', { class: 'name' }),
          h('span', { class: 'preview quiet' })),
        h('span', { class: 'presence visually-hidden' }),
        h('span', { class: 'badge', hidden: true })));
  }

  #drawPerson(line, address) {
    const { chats, roster } = this.#client;
    const conversation = chats.find(address);
    const last = conversation?.last;
    const name = this.#client.nameOf(address);
    const words = presenceWords(this.#client, address);
    const unread = conversation?.unread ?? 0;
    const part = (selector) => line.querySelector(selector);
    part('.avatar').textContent = initial(name);
    const presence = this.#client.state === 'online' ? roster.presenceOf(address) : null;
    part('.avatar').dataset.show = presence?.show ?? 'offline';
    part('.name').textContent = name;
    part('.preview').textContent = last ? `${last.mine ? 'You: ' : ''}${last.body}`.slice(0, 120) : words;
    part('.presence').textContent = last ? `, ${words}` : '';
    part('.badge').hidden = unread === 0;
    part('.badge').replaceChildren(String(unread), h('span', { class: 'visually-hidden' }, ' unread'));
    if (this.#current === address) part('.person').setAttribute('aria-current', 'true');
    else part('.person').removeAttribute('aria-current');
  }

  /** Opens the conversation with somebody, or goes back to all of them. */
  #show(address) {
    const previous = this.#current;
    this.#current = address;
    this.element.dataset.pane = address ? 'talk' : 'list';
    const talk = address && known(this.#talks, address, () =>
      new Talk(this.#client, this.#client.chats.with(address), {
        leave: () => this.#show(null),
        remove: () => this.#remove(address),
      }));
    const nobody = h('p', { class: 'nobody quiet' }, 'Choose somebody to talk to.');
    this.#find('.talk').replaceChildren(talk?.element ?? nobody);
    this.#draw();
    if (talk) talk.focus();
    else (this.#people.get(previous)?.firstElementChild ?? this.#find('nav')).focus();
  }

  /** Arrows go from one to the next, as they do in lists. */
  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const people = [...this.element.querySelectorAll('.person')];
    people[people.indexOf(document.activeElement) + step]?.focus();
  }

  async #add(domain) {
    const field = this.#find('#add');
    const tell = (problem) => {
      this.#find('#add-problem').textContent = problem;
      this.#find('#add-problem').hidden = !problem;
      field.setAttribute('aria-invalid', String(problem !== ''));
    };
    const address = typed(field.value, domain);
    if (!address) return tell('This is no address. One looks like juliet@capulet.example.');
    if (address === this.#client.self) return tell('This is your own address.');
    try {
      await this.#client.add(address);
      field.value = '';
      tell('');
      this.#show(address);
    } catch (error) {
      tell(error.message);
    }
  }

  async #remove(address) {
    const question = `Remove ${this.#client.nameOf(address)} (${address}) from your contacts?`;
    if (!await isSure(question, 'Remove', 'Keep')) return;
    await this.#client.remove(address).catch((error) => announce(error.message));
  }

  async #leave() {
    const question = 'Some messages have not been sent. They are gone when you log out.';
    const leaves = !this.#client.chats.isUnfinished || await isSure(question, 'Log out', 'Stay');
    if (leaves) this.#client.leave();
  }

  #came(conversation, message) {
    if (message.mine || (this.#current === conversation.address && document.hasFocus())) return;
    announce(`New message from ${this.#client.nameOf(conversation.address)}`);
  }

  /** On a phone a conversation is hidden while all of them are shown. */
  #isShown() {
    return this.#find('.talk').offsetParent !== null && !document.hidden;
  }

  #find(selector) {
    return this.element.querySelector(selector);
  }
}

/** What is known under a key, made where it is not. */
function known(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

/** Forgets what is not among those keys. */
function forget(map, keys) {
  for (const key of map.keys()) if (!keys.includes(key)) map.delete(key);
}
