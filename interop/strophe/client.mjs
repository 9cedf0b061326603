// Two users on Strophe.js: BOSH and WebSocket, a talk both ways, a wrong password.

import assert from "node:assert/strict";
import process from "node:process";

import { DOMParser } from "@xmldom/xmldom";

// What a browser has and Node.js has not, as far as the library needs it for BOSH.
globalThis.XMLHttpRequest = class {
  readyState = 0;
  status = 0;
  responseText = "";
  responseXML = null;
  #abort = new AbortController();
  #method;
  #url;
  #headers = {};

  open(method, url) {
    [this.#method, this.#url] = [method, url];
    this.#become(1);
  }

  overrideMimeType() {}

  setRequestHeader(name, value) {
    this.#headers[name] = value;
  }

  abort() {
    this.#abort.abort();
  }

  getAllResponseHeaders() {
    return "";
  }

  getResponseHeader() {
    return null;
  }

  async send(body) {
    const [method, headers, signal] = [this.#method, this.#headers, this.#abort.signal];
    try {
      const answer = await fetch(this.#url, { method, headers, body, signal });
      this.responseText = await answer.text();
      this.status = answer.status;
      if (answer.headers.get("content-type")?.startsWith("text/xml")) {
        this.responseXML = new DOMParser().parseFromString(this.responseText, "text/xml");
      }
    } catch {
      this.status = 0;
    }
    this.#become(4);
  }

  #become(state) {
    this.readyState = state;
    this.onreadystatechange?.();
  }
};

const { Strophe, $iq, $msg, $pres } = await import("strophe.js");
Strophe.setLogLevel(Strophe.LogLevel.FATAL);

const { XMPP_DOMAIN, XMPP_WEB, XMPP_USERS, XMPP_PASSWORD } = process.env;
const SERVICES = {
  BOSH: `http://${XMPP_WEB}/http-bind`,
  WebSocket: `ws://${XMPP_WEB}/xmpp-websocket`,
};
const [ROMEO, JULIET] = XMPP_USERS.split(" ");

// What tends to be lost on the way.
const BODY = "O <Romeo> & 'Romeo' \"\u2764\ufe0f\"\n\twherefore ]]> art thou";

const LIMIT = 60_000;
setTimeout(() => {
  console.error("strophe: something never came");
  process.exit(1);
}, LIMIT).unref();

// Resolves with the connection and its state once that is decided.
function login(name, service, password = XMPP_PASSWORD) {
  const connection = new Strophe.Connection(service);
  return new Promise((resolve) => {
    connection.connect(`${name}@${XMPP_DOMAIN}`, password, (state) => {
      const { CONNECTED, AUTHFAIL, CONNFAIL, DISCONNECTED } = Strophe.Status;
      if ([CONNECTED, AUTHFAIL, CONNFAIL, DISCONNECTED].includes(state)) {
        resolve({ connection, state });
      }
    });
  });
}

function received(connection, body) {
  return new Promise((resolve) => {
    const take = (message) => {
      const found = message.getElementsByTagName("body")[0]?.textContent;
      if (found === body) resolve(message);
      return found !== body;
    };
    connection.addHandler(take, null, "message");
  });
}

// A request in a namespace that nobody serves is answered, and with the right error.
function asksTheServer(connection) {
  const query = $iq({ type: "get", to: XMPP_DOMAIN, id: connection.getUniqueId() });
  query.c("query", { xmlns: "urn:example:nobody-serves-this" });
  return new Promise((resolve, reject) => {
    connection.sendIQ(query, reject, (error) => {
      const condition = error.getElementsByTagName("service-unavailable");
      assert.equal(condition.length, 1);
      resolve();
    });
  });
}

function logout(connection) {
  return new Promise((resolve) => {
    connection.connect_callback = (state) => {
      if (state === Strophe.Status.DISCONNECTED) resolve();
    };
    connection.disconnect("good night");
  });
}

for (const [transport, service] of Object.entries(SERVICES)) {
  const tybalt = await login(ROMEO, service, `not ${XMPP_PASSWORD}`);
  assert.equal(tybalt.state, Strophe.Status.AUTHFAIL);
  tybalt.connection.reset();

  const { connection: romeo, state } = await login(ROMEO, service);
  assert.equal(state, Strophe.Status.CONNECTED);
  const { connection: juliet } = await login(JULIET, service);
  juliet.send($pres());
  await asksTheServer(juliet);

  const first = received(juliet, BODY);
  romeo.send($msg({ to: `${JULIET}@${XMPP_DOMAIN}`, type: "chat" }).c("body").t(BODY));
  assert.equal((await first).getAttribute("from"), romeo.jid);
  const second = received(romeo, "Ay me!");
  juliet.send($msg({ to: romeo.jid, type: "chat" }).c("body").t("Ay me!"));
  assert.equal((await second).getAttribute("from"), juliet.jid);

  await logout(romeo);
  await logout(juliet);
  console.log(`strophe: over ${transport}: ok`);
}
process.exit(0);
