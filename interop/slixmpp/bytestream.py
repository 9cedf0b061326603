"""Two users on slixmpp find the proxy of the server, and send each other what is too much for stanzas (XEP-0065)."""

import asyncio
import hashlib
import logging
import os
import sys

import slixmpp
from slixmpp.exceptions import IqError

DOMAIN = os.environ["XMPP_DOMAIN"]
HOST, PORT = os.environ["XMPP_HOST"], os.environ["XMPP_PORT"]
ROMEO, JULIET = os.environ["XMPP_USERS"].split()
PASSWORD = os.environ["XMPP_PASSWORD"]

# Every wait ends after this many seconds, with an error.
LIMIT = 15

LETTER = bytes(range(256)) * 2000


class User(slixmpp.ClientXMPP):
    """A user who takes every stream that is offered, and keeps what comes over them."""

    def __init__(self, name):
        super().__init__(f"{name}@{DOMAIN}", PASSWORD)
        self.ca_certs = os.environ["XMPP_CERTIFICATE"]
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0065", {"auto_accept": True})
        self.taken, self.heard = asyncio.Queue(), bytearray()
        self.add_event_handler("socks5_stream", self.taken.put_nowait)
        self.add_event_handler("socks5_data", self.heard.extend)

    async def login(self):
        begun = asyncio.create_task(self.wait_until("session_start", LIMIT))
        self.connect(HOST, int(PORT))
        await begun
        # With an answer to that, it was handled.
        self.send_presence()
        await self.plugin["xep_0030"].get_info(DOMAIN, timeout=LIMIT)

    async def hears(self, whole):
        while len(self.heard) < len(whole):
            await asyncio.sleep(0.01)
        assert hashlib.sha1(self.heard).digest() == hashlib.sha1(whole).digest(), "something else came"


async def main():
    romeo, juliet = User(ROMEO), User(JULIET)
    for user in (romeo, juliet):
        await user.login()
    bytestreams = romeo.plugin["xep_0065"]
    proxies = await bytestreams.discover_proxies(timeout=LIMIT)
    assert list(proxies) == [f"proxy.{DOMAIN}"], proxies

    hers = asyncio.create_task(juliet.taken.get())
    his = await asyncio.wait_for(bytestreams.handshake(str(juliet.boundjid), timeout=LIMIT), LIMIT)
    hers = await asyncio.wait_for(hers, LIMIT)
    await his.write(LETTER)
    await asyncio.wait_for(juliet.hears(LETTER), LIMIT)
    await hers.write(b"Ay me!")
    await asyncio.wait_for(romeo.hears(b"Ay me!"), LIMIT)
    print("slixmpp: a bytestream through the proxy: ok", flush=True)

    try:
        await bytestreams.activate(f"proxy.{DOMAIN}", "no such stream", str(juliet.boundjid), timeout=LIMIT)
    except IqError as error:
        assert error.condition == "item-not-found", error.condition
    else:
        raise AssertionError("nobody waits for this, and yet it was activated")

    for user in (romeo, juliet):
        await asyncio.wait_for(user.disconnect(), LIMIT)


logging.disable(logging.CRITICAL)
try:
    asyncio.run(main())
except Exception as error:
    sys.exit(f"slixmpp: {type(error).__name__}: {error}")
