// A day with a Pidgin of 2013: what it says to the server by itself, and what its user then does.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import process from "node:process";

import { client, xml } from "@xmpp/client";

const { XMPP_DOMAIN: DOMAIN, XMPP_PORT, XMPP_PASSWORD } = process.env;
const [ROMEO, JULIET] = [`romeo@${DOMAIN}`, `juliet@${DOMAIN}`];

// Each wait ends after so many milliseconds, with an error, and so does all of this.
const LIMIT = 15_000;
const ALL = 100_000;

const NS = {
  stream: "http://etherx.jabber.org/streams",
  session: "urn:ietf:params:xml:ns:xmpp-session",
  items: "http://jabber.org/protocol/disco#items",
  info: "http://jabber.org/protocol/disco#info",
  roster: "jabber:iq:roster",
  blocking: "urn:xmpp:blocking",
  bytestreams: "http://jabber.org/protocol/bytestreams",
  caps: "http://jabber.org/protocol/caps",
  card: "vcard-temp",
  photo: "vcard-temp:x:update",
  register: "jabber:iq:register",
  states: "http://jabber.org/protocol/chatstates",
};

// The library rejects a promise of its own beside the one it gives out. What matters is waited
// for below, and what never comes ends here.
process.on("unhandledRejection", () => {});
setTimeout(() => fail(new Error("it does not end")), ALL).unref();

function fail(error) {
  console.error(`pidgin: ${error.message}`);
  process.exit(1);
}

// A person on Pidgin. What comes is kept until somebody expects it.
class Pidgin {
  inbox = [];
  waiting = new Set();
  count = 0xcfb778c0;

  constructor(name, password = XMPP_PASSWORD, first = async () => {}) {
    this.bare = `${name}@${DOMAIN}`;
    this.entity = client({
      service: `xmpp://${DOMAIN}:${XMPP_PORT}`,
      domain: DOMAIN,
      resource: "home",
      credentials: async (authenticate, mechanisms) => {
        await first(this);
        const mechanism = mechanisms.find((offered) => offered !== "ANONYMOUS");
        await authenticate({ username: name, password }, mechanism);
      },
    });
    this.entity.timeout = LIMIT;
    this.entity.reconnect.stop();
    this.entity.on("error", () => {});
    this.ended = new Promise((resolve) => this.entity.on("disconnect", resolve));
    // Pidgin is older than the second way to log in, which the library would take.
    this.entity.prependListener("element", (element) => {
      if (element.is("features", NS.stream)) element.remove("authentication");
    });
    this.entity.on("element", (element) => {
      this.inbox.push(element);
      for (const look of this.waiting) look();
    });
  }

  async connect() {
    this.jid = (await this.entity.start()).toString();
    assert.equal(this.jid, `${this.bare}/home`);
  }

  async end() {
    await this.entity.send(xml("presence", { type: "unavailable" }));
    await this.entity.stop();
  }

  id() {
    this.count += 1;
    return `purple${this.count.toString(16)}`;
  }

  // The first stanza that fits, taken out of what came; it may come before anybody waits for it.
  expect(what, fits) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const index = this.inbox.findIndex(fits);
        if (index < 0) return;
        clearTimeout(timer);
        this.waiting.delete(look);
        resolve(this.inbox.splice(index, 1)[0]);
      };
      const timer = setTimeout(() => {
        this.waiting.delete(look);
        const came = this.inbox.map((stanza) => `\n  ${stanza}`).join("");
        reject(new Error(`${this.bare} never got ${what} but:${came}`));
      }, LIMIT);
      this.waiting.add(look);
      look();
    });
  }

  answer(id) {
    const answers = ["result", "error"];
    return this.expect(`an answer to ${id}`, (it) =>
      it.is("iq") && it.attrs.id === id && answers.includes(it.attrs.type));
  }

  async ask(type, payload, to) {
    const id = this.id();
    await this.entity.send(xml("iq", { type, id, to }, payload));
    const answer = await this.answer(id);
    assert.equal(answer.attrs.type, "result", `${payload} is answered by ${answer}`);
    return answer.getChildElements()[0];
  }

  // A message from somebody, or the error for one.
  message(from, type, fits = () => true) {
    return this.expect(`a ${type} from ${from}`, (it) =>
      it.is("message") && it.attrs.from === from && it.attrs.type === type && fits(it));
  }

  presence(from, type, fits = () => true) {
    return this.expect(`${type ?? "presence"} from ${from}`, (it) =>
      it.is("presence") && it.attrs.from === from && it.attrs.type === type && fits(it));
  }

  // What the server tells all clients of an account about something they have in common.
  push(name, xmlns, fits = () => true) {
    return this.expect(`a push of ${name}`, (it) =>
      it.is("iq") && it.attrs.type === "set" && [undefined, this.bare].includes(it.attrs.from)
        && it.getChild(name, xmlns) && fits(it.getChild(name, xmlns)));
  }

  // Nothing of that name is left once all that was on its way has come.
  async nothingMore(name) {
    await this.ask("get", xml("ping", { xmlns: "urn:xmpp:ping" }), DOMAIN);
    assert.deepEqual(this.inbox.filter((it) => it.is(name)).map(String), []);
  }

  forget() {
    this.inbox = [];
  }
}

function presence(photo = "") {
  return xml("presence", {},
    xml("priority", {}, "1"),
    xml("c", {
      xmlns: NS.caps,
      node: "http://pidgin.im/",
      hash: "sha-1",
      ver: "DdnydQG7RGhP9E3k9Sf+b+bF0zo=",
      ext: "voice-v1 camera-v1 video-v1",
    }),
    xml("x", { xmlns: NS.photo }, xml("photo", {}, photo)));
}

// That a presence came as Pidgin said it.
function isPidgin(stanza, photo = "") {
  const caps = stanza.getChild("c", NS.caps);
  return stanza.getChildText("priority") === "1"
    && caps.attrs.hash === "sha-1" && caps.attrs.ext === "voice-v1 camera-v1 video-v1"
    && stanza.getChild("x", NS.photo).getChildText("photo") === photo;
}

function chat(to, id, body) {
  return xml("message", { to, type: "chat", id },
    xml("active", { xmlns: NS.states }), xml("body", {}, body));
}

const says = (body) => (message) => message.getChildText("body") === body;

function contact(jid, wanted) {
  return (query) => {
    const item = query.getChildren("item").find((one) => one.attrs.jid === jid);
    return item && Object.entries(wanted).every(([name, value]) => item.attrs[name] === value);
  };
}

// What Pidgin does before its user can do anything. Returns what the answers held.
async function begins(person) {
  await person.connect();
  assert.equal(await person.ask("set", xml("session", { xmlns: NS.session })), undefined);
  const items = await person.ask("get", xml("query", { xmlns: NS.items }), DOMAIN);
  assert(items.is("query", NS.items), `${items}`);
  const info = await person.ask("get", xml("query", { xmlns: NS.info }), DOMAIN);
  const features = new Set(info.getChildren("feature").map((feature) => feature.attrs.var));
  for (const feature of ["jabber:iq:last", NS.blocking, NS.card, "msgoffline", "urn:xmpp:ping"]) {
    assert(features.has(feature), `the server does not tell of ${feature}`);
  }
  const software = info.getChildren("x", "jabber:x:data").some((form) => form.getChildren("field")
    .some((field) => field.getChildText("value") === "urn:xmpp:dataforms:softwareinfo"));
  assert(software, `the server does not tell which software it is: ${info}`);
  const card = await person.ask("get", xml("vCard", { xmlns: NS.card }));

  // Three requests in one write; the last is for a proxy that this server does not reach.
  const [contacts, blocked, proxy] = [person.id(), person.id(), person.id()];
  await person.entity.write([
    xml("iq", { type: "get", id: contacts }, xml("query", { xmlns: NS.roster })),
    xml("iq", { type: "get", id: blocked }, xml("blocklist", { xmlns: NS.blocking })),
    xml("iq", { type: "get", id: proxy, to: "proxy.verona.example" },
      xml("query", { xmlns: NS.bytestreams })),
  ].join(""));
  const roster = (await person.answer(contacts)).getChild("query", NS.roster);
  const blocklist = (await person.answer(blocked)).getChild("blocklist", NS.blocking);
  const refusal = await person.answer(proxy);
  assert.equal(refusal.attrs.type, "error", `${refusal}`);
  assert.equal(refusal.attrs.from, "proxy.verona.example");
  assert(refusal.getChild("error").getChild("remote-server-not-found"), `${refusal}`);

  await person.nothingMore("presence");
  await person.entity.send(presence());
  assert(isPidgin(await person.presence(person.jid)), "its own presence came back changed");
  return { card, roster, blocklist };
}

async function firstTime(...people) {
  for (const person of people) {
    const { card, roster, blocklist } = await begins(person);
    for (const kept of [card, roster, blocklist]) {
      assert.equal(kept.getChildElements().length, 0, `${kept}`);
    }
  }
}

// Juliet adds Romeo to a group of hers; he lets her, and asks in turn.
async function becomeContacts(juliet, romeo) {
  const item = xml("item", { jid: ROMEO, name: "Romeo" }, xml("group", {}, "Montagues"));
  await juliet.ask("set", xml("query", { xmlns: NS.roster }, item));
  await juliet.push("query", NS.roster, contact(ROMEO, { subscription: "none", name: "Romeo" }));

  await juliet.entity.send(xml("presence", { type: "subscribe", to: ROMEO }));
  await juliet.push("query", NS.roster, contact(ROMEO, { ask: "subscribe" }));
  await romeo.presence(JULIET, "subscribe");
  await romeo.entity.send(xml("presence", { type: "subscribed", to: JULIET }));
  await juliet.presence(ROMEO, "subscribed");
  await juliet.push("query", NS.roster, contact(ROMEO, { subscription: "to" }));
  assert(isPidgin(await juliet.presence(romeo.jid)));

  await romeo.entity.send(xml("presence", { type: "subscribe", to: JULIET }));
  await juliet.presence(ROMEO, "subscribe");
  await juliet.entity.send(xml("presence", { type: "subscribed", to: ROMEO }));
  await romeo.presence(JULIET, "subscribed");
  await romeo.push("query", NS.roster, contact(JULIET, { subscription: "both" }));
  const both = await juliet.push("query", NS.roster, contact(ROMEO, { subscription: "both" }));
  assert.equal(both.getChild("query").getChild("item").getChildText("group"), "Montagues");
  assert(isPidgin(await romeo.presence(juliet.jid)));
}

async function talk(juliet, romeo) {
  await juliet.entity.send(chat(ROMEO, juliet.id(), "How cam'st thou hither, tell me, & wherefore?"));
  const said = await romeo.message(juliet.jid, "chat", says("How cam'st thou hither, tell me, & wherefore?"));
  assert(said.getChild("active", NS.states), `${said}`);
  await romeo.entity.send(chat(juliet.jid, romeo.id(), "With love's light wings"));
  await juliet.message(romeo.jid, "chat", says("With love's light wings"));
}

async function block(juliet, romeo) {
  const item = xml("item", { jid: ROMEO });
  await juliet.ask("set", xml("block", { xmlns: NS.blocking }, item));
  await juliet.push("block", NS.blocking, (it) => it.getChild("item").attrs.jid === ROMEO);
  await romeo.presence(juliet.jid, "unavailable");
  const list = await juliet.ask("get", xml("blocklist", { xmlns: NS.blocking }));
  assert.deepEqual(list.getChildElements().map((one) => one.attrs.jid), [ROMEO]);

  await romeo.entity.send(chat(JULIET, romeo.id(), "Wilt thou leave me?"));
  const refused = await romeo.message(JULIET, "error");
  assert(refused.getChild("error").getChild("service-unavailable"), `${refused}`);
  await juliet.entity.send(chat(ROMEO, juliet.id(), "What satisfaction?"));
  const own = (await juliet.message(ROMEO, "error")).getChild("error");
  assert(own.getChild("not-acceptable") && own.getChild("blocked"), `${own}`);
  await juliet.nothingMore("message");
  await romeo.nothingMore("message");

  await juliet.ask("set", xml("unblock", { xmlns: NS.blocking }, item));
  await juliet.push("unblock", NS.blocking, (it) => it.getChild("item").attrs.jid === ROMEO);
  assert(isPidgin(await romeo.presence(juliet.jid)));
  await juliet.presence(romeo.jid);
  await romeo.entity.send(chat(JULIET, romeo.id(), "O blessed night"));
  await juliet.message(romeo.jid, "chat", says("O blessed night"));
}

// Juliet has a face from now on: on her card, and by its hash in her presence.
async function face(juliet, romeo) {
  const photo = Buffer.from("no picture, but who looks at it here");
  const hash = createHash("sha1").update(photo).digest("hex");
  await juliet.ask("set", xml("vCard", { xmlns: NS.card },
    xml("FN", {}, "Juliet"),
    xml("PHOTO", {}, xml("TYPE", {}, "image/png"), xml("BINVAL", {}, photo.toString("base64")))));
  await juliet.entity.send(presence(hash));
  const seen = await romeo.presence(juliet.jid, undefined, (it) =>
    it.getChild("x", NS.photo)?.getChildText("photo") === hash);
  assert(isPidgin(seen, hash), `${seen}`);
  const card = await romeo.ask("get", xml("vCard", { xmlns: NS.card }), JULIET);
  const got = Buffer.from(card.getChild("PHOTO").getChildText("BINVAL"), "base64");
  assert.deepEqual(got, photo);
}

// What is said to Romeo while he is away waits for him, and so does all else of his.
async function awayAndBack(juliet, romeo) {
  await romeo.end();
  await juliet.presence(romeo.jid, "unavailable");
  for (const body of ["'Tis almost morning", "Good night"]) {
    await juliet.entity.send(chat(ROMEO, juliet.id(), body));
  }
  await juliet.nothingMore("message");

  const again = new Pidgin("romeo");
  const { roster } = await begins(again);
  assert(contact(JULIET, { subscription: "both" })(roster), `${roster}`);
  await again.presence(juliet.jid);
  assert(isPidgin(await juliet.presence(again.jid)));
  for (const body of ["'Tis almost morning", "Good night"]) {
    const kept = await again.message(juliet.jid, "chat");
    assert.equal(kept.getChildText("body"), body);
    assert(kept.getChild("delay", "urn:xmpp:delay"), `kept, and not said since when: ${kept}`);
  }
  await again.nothingMore("message");
  await again.end();
  await juliet.presence(again.jid, "unavailable");
  await juliet.end();
}

// A stranger makes an account before logging in, uses it, and takes it away.
async function register() {
  const fields = (password) => xml("query", { xmlns: NS.register },
    xml("username", {}, "mercutio"), xml("password", {}, password));
  const password = "a plague <on> both";
  const mercutio = new Pidgin("mercutio", password, async (stranger) => {
    const form = await stranger.ask("get", xml("query", { xmlns: NS.register }));
    assert(form.getChild("username") && form.getChild("password"), `${form}`);
    await stranger.ask("set", fields(password));
  });
  const { roster } = await begins(mercutio);
  assert.equal(roster.getChildElements().length, 0);
  const known = await mercutio.ask("get", xml("query", { xmlns: NS.register }));
  assert(known.getChild("registered") && known.getChildText("username") === "mercutio", `${known}`);

  await mercutio.ask("set", xml("query", { xmlns: NS.register }, xml("remove")));
  await mercutio.expect("the end of the stream", (it) =>
    it.is("error") && it.getChild("not-authorized"));
  await mercutio.ended;
  await mercutio.entity.stop().catch(() => {});
  const gone = new Pidgin("mercutio", password);
  await assert.rejects(gone.entity.start(), { condition: "not-authorized" });
  await gone.entity.stop().catch(() => {});
}

try {
  const [juliet, romeo] = [new Pidgin("juliet"), new Pidgin("romeo")];
  for (const scene of [firstTime, becomeContacts, talk, block, face, awayAndBack, register]) {
    await scene(juliet, romeo);
    console.log(`pidgin: ${scene.name}: ok`);
  }
} catch (error) {
  fail(error);
}
process.exit(0);
