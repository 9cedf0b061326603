// A session: a stream that comes back. What a connection takes with it is told to whoever waited
// for it, and everything else is as if it had stayed.

import { bare } from './address.js';
import { Stream } from './stream.js';
import { Lost, Refused } from './words.js';
import { ns, x } from './xml.js';

/** A stream that was silent for so long is asked whether it is still there. */
const SILENCE = 30_000;
/** A stream that lasted so long was a good one: the next is tried at once. */
const GOOD = 10_000;

/** How long to wait before the next attempt, in milliseconds: twice as long each time, up to a minute. */
export function pause(attempt, random = Math.random) {
  const longest = Math.min(1000 * 2 ** attempt, 60_000);
  // Those who lost their connection together do not come back together.
  return longest * (0.5 + random() / 2);
}

export class Session {
  /** Told of each change: 'connecting', 'online', 'waiting' (and until when), 'over' (and why). */
  onstate = () => {};
  /** Told each roster that was fetched, which makes what was known of presence outdated. */
  onroster = () => {};
  /** Told each message and presence. */
  onstanza = () => {};
  /** Told what the server says of one contact. */
  onpush = () => {};

  state = 'connecting';
  /** The address of the account. */
  self;

  #url;
  #domain;
  #user;
  #secret;
  // The same again after a loss, so that the server lets the new stream take the old one's place.
  #resource = `chat-${crypto.randomUUID().slice(0, 8)}`;
  #presence = { show: null };
  #stream = null;
  #attempt = 0;
  #since = 0;
  #timer = null;

  constructor({ url, domain, user, secret }) {
    this.#url = url;
    this.#domain = domain;
    this.#user = user;
    this.#secret = secret;
    this.self = `${user}@${domain}`;
  }

  /** Logs in. The first time, a failure is the caller's; later ones are tried again. */
  async start() {
    await this.#connect();
    this.#timer = setInterval(() => this.#look(), SILENCE / 2);
    for (const event of ['online', 'offline', 'visibilitychange', 'pageshow']) {
      addEventListener(event, this.#look);
    }
  }

  /** Ends the session. */
  stop(why = null) {
    if (this.state === 'over') return;
    clearTimeout(this.#waiting);
    clearInterval(this.#timer);
    for (const event of ['online', 'offline', 'visibilitychange', 'pageshow']) {
      removeEventListener(event, this.#look);
    }
    this.#become('over', why);
    this.#stream?.close();
  }

  /** Lets go of the connection while the page is not there. */
  pause() {
    this.#stream?.close();
  }

  /** Tries to connect now rather than later. */
  hurry() {
    if (this.state !== 'waiting') return;
    clearTimeout(this.#waiting);
    this.#again();
  }

  /** Says how one is there: null, 'away', 'dnd' or 'xa'. */
  show(show) {
    this.#presence = { show };
    if (this.state === 'online') this.#announce();
  }

  /** Sends a stanza, as far as there is a stream. */
  send(name, attributes, ...children) {
    this.#stream?.stanza(name, attributes, ...children);
  }

  /** Sends a stanza; resolves when the server has it, and rejects when nobody knows. */
  async deliver(name, attributes, ...children) {
    const stream = this.#current();
    stream.stanza(name, attributes, ...children);
    await stream.settled();
  }

  /** Asks, and gives the answer. */
  ask(attributes, ...children) {
    return this.#current().ask(attributes, ...children);
  }

  #waiting = null;

  #current() {
    if (this.state !== 'online') throw new Lost('There is no connection to the server.');
    return this.#stream;
  }

  async #connect() {
    this.#become('connecting');
    const stream = new Stream(this.#url, this.#domain);
    this.#stream = stream;
    try {
      const features = await stream.features();
      await stream.login(features, this.#user, this.#secret);
      const address = await stream.bind(this.#resource);
      this.self = bare(address);
      stream.onstanza = (it) => this.onstanza(it);
      stream.onrequest = (it) => this.#request(it);
      await this.#greet(stream);
      stream.onend = (why) => this.#lost(stream, why);
    } catch (error) {
      stream.close();
      throw error;
    }
    this.#since = Date.now();
    this.#become('online');
    this.#announce();
  }

  /** What has to be known before anybody hears that this session is there (RFC 6121 §2.2). */
  async #greet(stream) {
    const ask = stream.ask({ type: 'get' }, x('query', { xmlns: ns.roster }));
    // A server without carbons says so, and then there are none.
    const carbons = stream.ask({ type: 'set' }, x('enable', { xmlns: ns.carbons })).catch(refused);
    const [roster] = await Promise.all([ask, carbons]);
    this.onroster(roster);
  }

  #announce() {
    const { show } = this.#presence;
    this.send('presence', {}, show && x('show', {}, show));
  }

  #request(iq) {
    const from = iq.getAttribute('from');
    const query = iq.firstElementChild;
    const isPush = iq.getAttribute('type') === 'set' && query?.namespaceURI === ns.roster;
    // RFC 6121 §2.1.6: nobody but one's own account has a say in the roster.
    if (isPush && (!from || from === this.self)) {
      this.onpush(iq);
      return true;
    }
    return iq.getAttribute('type') === 'get' && query?.namespaceURI === ns.ping;
  }

  #lost(stream, why) {
    if (this.state === 'over' || stream !== this.#stream) return;
    if (why.final) return this.stop(why);
    if (Date.now() - this.#since > GOOD) this.#attempt = 0;
    this.#later();
  }

  #later() {
    const after = pause(this.#attempt);
    this.#attempt += 1;
    this.#waiting = setTimeout(() => this.#again(), after);
    this.#become('waiting', Date.now() + after);
  }

  async #again() {
    try {
      await this.#connect();
    } catch (error) {
      if (this.state === 'over') return;
      if (error instanceof Refused && error.final) return this.stop(error);
      this.#later();
    }
  }

  /** Looks whether the connection is what it seems to be; when the page or the network comes back, too. */
  #look = (event) => {
    if (event?.type === 'online' || event?.type === 'pageshow') this.hurry();
    if (this.state !== 'online') return;
    const isBack = event?.type === 'visibilitychange' && !document.hidden;
    const isSuspicious = isBack || event?.type === 'offline';
    if (isSuspicious || Date.now() - this.#stream.heard > SILENCE) this.#stream.settled().catch(() => {});
  };

  #become(state, detail = null) {
    this.state = state;
    this.onstate(state, detail);
  }
}

function refused(error) {
  if (!(error instanceof Refused)) throw error;
}
