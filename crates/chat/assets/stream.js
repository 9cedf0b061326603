// One stream over one WebSocket (RFC 7395), from its opening until it ends: logging in (RFC 6120 §6),
// binding a resource (§7), and questions that are answered. What is lost with it, session.js brings back.

import { Scram, mechanisms } from './scram.js';
import * as words from './words.js';
import { child, ns, parse, said, write, x } from './xml.js';

const { Lost, Refused } = words;

/** How long the server may take for one step of a login, or for an answer. */
const PATIENCE = 20_000;

export class Stream {
  /** Told each message and presence. */
  onstanza = () => {};
  /** Asked with each request: what to answer, true for an empty answer, nothing for a refusal. */
  onrequest = () => null;
  /** Told once why there is nothing more to come. */
  onend = () => {};
  /** When something last came from the server. */
  heard = 0;

  #socket;
  #domain;
  #inbox = [];
  #reader = null;
  #answers = new Map();
  #ended = null;
  #bound = false;

  constructor(url, domain) {
    this.#domain = domain;
    this.#socket = new WebSocket(url, 'xmpp');
    this.#socket.onopen = () => this.#opening();
    this.#socket.onmessage = ({ data }) => this.#take(data);
    this.#socket.onclose = () => this.#end(new Lost('There is no connection to the server.'));
  }

  /** The features that the server offers first. */
  async features() {
    await this.#next((it) => it.localName === 'open' && it.namespaceURI === ns.framing);
    return this.#next((it) => it.localName === 'features' && it.namespaceURI === ns.stream);
  }

  /** Logs in, by nothing weaker than SCRAM, and gives the features that come after. */
  async login(features, user, secret) {
    const offered = Array.from(child(features, 'mechanisms', ns.sasl)?.children ?? [])
      .map((it) => it.textContent);
    const mechanism = Object.keys(mechanisms).find((it) => offered.includes(it));
    if (!mechanism) {
      throw new Refused('no-mechanism', 'The server offers no login that this page trusts (SCRAM).');
    }
    const scram = new Scram(mechanism, user, secret);
    this.send(x('auth', { xmlns: ns.sasl, mechanism }, scram.begin()));
    const challenge = await this.#sasl('challenge');
    this.send(x('response', { xmlns: ns.sasl }, await scram.answer(challenge)));
    if (!scram.isServer(await this.#sasl('success'))) {
      throw new Refused('no-server', 'Whoever answers does not know the password: not the server.');
    }
    this.#opening();
    return this.features();
  }

  /** Binds a resource, and gives the whole address. */
  async bind(resource) {
    const ask = x('bind', { xmlns: ns.bind }, x('resource', {}, resource));
    const answer = await this.ask({ type: 'set' }, ask);
    this.#bound = true;
    return said(child(answer, 'bind', ns.bind), 'jid', ns.bind);
  }

  /** Sends an element. What is sent when the stream has ended is lost. */
  send(element) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(write(element));
  }

  /** Sends a stanza. */
  stanza(name, attributes, ...children) {
    this.send(x(name, { xmlns: ns.client, ...attributes }, ...children));
  }

  /** Sends a request and waits for its answer. */
  ask(attributes, ...children) {
    if (this.#ended) return Promise.reject(this.#ended);
    // Nobody else can answer: they would have to guess this.
    const id = crypto.randomUUID();
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => this.drop('The server does not answer.'), PATIENCE);
      this.#answers.set(id, { resolve, reject, late });
      this.stanza('iq', { id, ...attributes }, ...children);
    });
  }

  /**
   * Resolves when the server has taken care of whatever was sent before: it handles the stanzas of
   * a stream in their order, so it is done with them when it answers a ping. Any answer will do.
   */
  async settled() {
    try {
      await this.ask({ type: 'get', to: this.#domain }, x('ping', { xmlns: ns.ping }));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }

  /** Ends the stream in good order. */
  close() {
    if (this.#bound) this.stanza('presence', { type: 'unavailable' });
    this.send(x('close', { xmlns: ns.framing }));
    this.drop('Logged out.');
  }

  /** Gives the stream up. */
  drop(why) {
    this.#end(new Lost(why));
  }

  #opening() {
    this.send(x('open', { xmlns: ns.framing, to: this.#domain, version: '1.0' }));
  }

  #take(frame) {
    const element = this.#ended ? null : parse(frame);
    if (!element) return;
    this.heard = Date.now();
    const { localName: name, namespaceURI: namespace } = element;
    if (namespace === ns.stream && name === 'error') {
      this.#end(Refused.from(element, ns.streamError, words.stream, { final: finalIn(element) }));
    } else if (namespace === ns.framing && name === 'close') {
      this.#end(new Lost('The server closed the connection.'));
    } else if (name === 'iq') {
      this.#iq(element);
    } else if (this.#bound) {
      this.onstanza(element);
    } else if (this.#reader) {
      this.#reader.resolve(element);
    } else {
      this.#inbox.push(element);
    }
  }

  #iq(iq) {
    const [id, type] = [iq.getAttribute('id'), iq.getAttribute('type')];
    if (type === 'result' || type === 'error') {
      const { resolve, reject, late } = this.#answers.get(id) ?? {};
      this.#answers.delete(id);
      clearTimeout(late);
      const refusal = () =>
        Refused.from(child(iq, 'error', ns.client), ns.stanzaError, words.stanza);
      return type === 'result' ? resolve?.(iq) : reject?.(refusal());
    }
    const answer = this.onrequest(iq);
    const to = iq.getAttribute('from');
    if (answer) {
      this.stanza('iq', { type: 'result', id, to }, answer === true ? null : answer);
    } else {
      const condition = x('service-unavailable', { xmlns: ns.stanzaError });
      this.stanza('iq', { type: 'error', id, to }, x('error', { type: 'cancel' }, condition));
    }
  }

  async #sasl(expected) {
    const step = await this.#next((it) => it.namespaceURI === ns.sasl);
    if (step.localName === expected) return step.textContent;
    if (step.localName !== 'failure') throw new Lost('The server does not keep to SCRAM.');
    const final = !child(step, 'temporary-auth-failure', ns.sasl);
    throw Refused.from(step, ns.sasl, words.login, { final });
  }

  /** What comes next while nothing is bound. */
  async #next(isExpected) {
    if (this.#ended) throw this.#ended;
    const late = setTimeout(() => this.drop('The server does not answer.'), PATIENCE);
    const element = this.#inbox.shift()
      ?? await new Promise((resolve, reject) => { this.#reader = { resolve, reject }; });
    this.#reader = null;
    clearTimeout(late);
    if (isExpected(element)) return element;
    this.drop('The server does not speak XMPP as this page knows it.');
    throw this.#ended;
  }

  #end(why) {
    if (this.#ended) return;
    this.#ended = why;
    this.#socket.close();
    this.#reader?.reject(why);
    for (const { reject, late } of this.#answers.values()) {
      clearTimeout(late);
      reject(why);
    }
    this.#answers.clear();
    this.onend(why);
  }
}

/** Whether a stream error says that the session is not to come back. */
const finalIn = (error) =>
  ['conflict', 'not-authorized', 'host-unknown'].some((it) => child(error, it, ns.streamError));
