// Two users on xmpp.js: STARTTLS, direct TLS and WebSocket, a talk both ways, a wrong password.

import assert from "node:assert/strict";
import process from "node:process";

import { client, xml } from "@xmpp/client";
import { WebSocket } from "ws";

// Node.js has one of its own only from version 22 on.
globalThis.WebSocket ??= WebSocket;

const { XMPP_DOMAIN, XMPP_PORT, XMPP_TLS_PORT, XMPP_WEB, XMPP_USERS, XMPP_PASSWORD } = process.env;
const SERVICES = {
  STARTTLS: `xmpp://${XMPP_DOMAIN}:${XMPP_PORT}`,
  TLS: `xmpps://${XMPP_DOMAIN}:${XMPP_TLS_PORT}`,
  WebSocket: `ws://${XMPP_WEB}/xmpp-websocket`,
};
const [ROMEO, JULIET] = XMPP_USERS.split(" ");

// What tends to be lost on the way.
const BODY = "O <Romeo> & 'Romeo' \"\u2764\ufe0f\"\n\twherefore ]]> art thou";

// All of this ends after so many milliseconds, with an error.
const LIMIT = 60_000;

const used = new Set();

// The library rejects a promise of its own beside the one it gives out. What matters is waited
// for below, and what never comes ends here.
process.on("unhandledRejection", () => {});
setTimeout(() => {
  console.error("xmppjs: something never came");
  process.exit(1);
}, LIMIT).unref();

function user(name, service, password = XMPP_PASSWORD) {
  const entity = client({
    service,
    domain: XMPP_DOMAIN,
    // The strongest that this library has and the server offers.
    credentials: async (authenticate, mechanisms) => {
      const mechanism = mechanisms.find((offered) => offered !== "ANONYMOUS");
      used.add(mechanism);
      await authenticate({ username: name, password }, mechanism);
    },
  });
  entity.timeout = LIMIT / 4;
  entity.reconnect.stop();
  entity.on("error", () => {});
  return entity;
}

function received(entity, body) {
  return new Promise((resolve) => {
    entity.on("stanza", (stanza) => {
      if (stanza.is("message") && stanza.getChildText("body") === body) resolve(stanza);
    });
  });
}

async function refused(service) {
  const tybalt = user(ROMEO, service, `not ${XMPP_PASSWORD}`);
  await assert.rejects(tybalt.start(), { condition: "not-authorized" });
  await tybalt.stop().catch(() => {});
}

async function talk(service) {
  const [romeo, juliet] = [user(ROMEO, service), user(JULIET, service)];
  const romeoIs = (await romeo.start()).toString();
  const julietIs = (await juliet.start()).toString();
  await juliet.send(xml("presence"));
  // The answer says that the presence before it was handled.
  await asksTheServer(juliet);

  const first = received(juliet, BODY);
  const to = `${JULIET}@${XMPP_DOMAIN}`;
  await romeo.send(xml("message", { to, type: "chat" }, xml("body", {}, BODY)));
  assert.equal((await first).attrs.from, romeoIs);

  const second = received(romeo, "Ay me!");
  await juliet.send(xml("message", { to: romeoIs, type: "chat" }, xml("body", {}, "Ay me!")));
  assert.equal((await second).attrs.from, julietIs);

  await romeo.stop();
  await juliet.stop();
}

// A request in a namespace that nobody serves is answered, and with the right error.
async function asksTheServer(entity) {
  const query = xml("query", { xmlns: "urn:example:nobody-serves-this" });
  await assert.rejects(
    entity.iqCaller.request(xml("iq", { type: "get", to: XMPP_DOMAIN }, query)),
    { condition: "service-unavailable" },
  );
}

for (const [transport, service] of Object.entries(SERVICES)) {
  await refused(service);
  await talk(service);
  console.log(`xmppjs: ${[...used].join(", ")} over ${transport}: ok`);
  used.clear();
}
process.exit(0);
