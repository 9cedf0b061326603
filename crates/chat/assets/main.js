// A small XMPP client: sestina's own, though any server that speaks RFC 7395 will do.
//
//   main ── door ── register            coming in
//     └─── session ── stream ── scram   the connection, kept alive
//     └─── client ── roster, chat       what is known
//     └─── view ── talk                 what is seen
//
// The password becomes a key that cannot be read as soon as it is typed; nothing is stored.

import { Client } from './client.js';
import { Door } from './door.js';
import { register } from './register.js';
import { secretOf } from './scram.js';
import { Session } from './session.js';
import { View } from './view.js';

const { domains, websocket } = await fetch('settings.json').then((it) => it.json());
const url = new URL(websocket, location.href);
url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';

const door = new Door(domains, async ({ create, domain, user, password }) => {
  if (create) await register(url, domain, user, password);
  const session = new Session({ url, domain, user, secret: await secretOf(password) });
  const client = new Client(session);
  await session.start();
  enter(session, client, domain);
});
door.open();

function enter(session, client, domain) {
  const view = new View(client, domain);
  const change = session.onstate;
  session.onstate = (state, why) => {
    change(state, why);
    if (state !== 'over') return;
    removeEventListener('pagehide', pause);
    removeEventListener('beforeunload', warn);
    view.close();
    door.open(why?.message);
  };
  const pause = () => session.pause();
  // Whoever closes the tab is asked, by the browser, where a message would be lost.
  const warn = (event) => client.chats.isUnfinished && event.preventDefault();
  addEventListener('pagehide', pause);
  addEventListener('beforeunload', warn);
  door.close();
  view.open();
}
