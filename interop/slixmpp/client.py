"""Two users on slixmpp: every mechanism, STARTTLS and direct TLS, a talk both ways, a wrong password."""

import asyncio
import logging
import os
import sys

import slixmpp
from slixmpp.exceptions import IqError

DOMAIN = os.environ["XMPP_DOMAIN"]
HOST = os.environ["XMPP_HOST"]
PORTS = {"STARTTLS": os.environ["XMPP_PORT"], "TLS": os.environ["XMPP_TLS_PORT"]}
ROMEO, JULIET = os.environ["XMPP_USERS"].split()
PASSWORD = os.environ["XMPP_PASSWORD"]

# Every wait ends after this many seconds, with an error.
LIMIT = 15

# What tends to be lost on the way.
BODY = "O <Romeo> & 'Romeo' \"\u2764\ufe0f\"\n\twherefore ]]> art thou"


class User(slixmpp.ClientXMPP):
    """A user whose events can be waited for."""

    def __init__(self, name, transport, mechanism, password=PASSWORD):
        super().__init__(f"{name}@{DOMAIN}", password, sasl_mech=mechanism)
        self.port = PORTS[transport]
        self.enable_direct_tls = transport == "TLS"
        self.enable_starttls = transport == "STARTTLS"
        self.enable_plaintext = False
        self.ca_certs = os.environ["XMPP_CERTIFICATE"]
        self.messages = asyncio.Queue()
        self.add_event_handler("message", self.messages.put_nowait)

    async def login(self):
        """Connects and returns "session_start", or the failure's event."""
        ends = ["session_start", "failed_all_auth", "connection_failed", "ssl_invalid_chain"]
        waits = {asyncio.create_task(self.wait_until(end, LIMIT)): end for end in ends}
        self.connect(HOST, self.port)
        done, waiting = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waiting:
            wait.cancel()
        return waits[done.pop()]

    async def logout(self):
        await asyncio.wait_for(self.disconnect(), LIMIT)

    async def receives(self, body, sender):
        message = await asyncio.wait_for(self.messages.get(), LIMIT)
        assert message["body"] == body, message
        assert message["from"] == sender, message


async def refused(transport, mechanism):
    tybalt = User(ROMEO, transport, mechanism, password="not " + PASSWORD)
    assert await tybalt.login() == "failed_all_auth", "a wrong password was not refused"
    await tybalt.logout()


async def talk(transport, mechanism):
    romeo, juliet = (User(name, transport, mechanism) for name in (ROMEO, JULIET))
    for user in (romeo, juliet):
        outcome = await user.login()
        assert outcome == "session_start", f"{user.requested_jid}: {outcome}"
    juliet.send_presence()
    # The answer to a request that follows the presence says that the presence was handled.
    await asks_the_server(juliet)

    romeo.send_message(mto=f"{JULIET}@{DOMAIN}", mbody=BODY, mtype="chat")
    await juliet.receives(BODY, romeo.boundjid)
    juliet.send_message(mto=romeo.boundjid, mbody="Ay me!", mtype="chat")
    await romeo.receives("Ay me!", juliet.boundjid)

    for user in (romeo, juliet):
        await user.logout()


async def asks_the_server(user):
    """A request in a namespace that nobody serves is answered, and with the right error."""
    try:
        await user.make_iq_get("urn:example:nobody-serves-this", ito=DOMAIN).send(timeout=LIMIT)
    except IqError as error:
        assert error.condition == "service-unavailable", error.condition
    else:
        raise AssertionError("nobody serves this, and yet there was a result")


async def main():
    for transport in PORTS:
        for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"):
            if mechanism in os.environ.get("XMPP_WITHOUT", "").split():
                continue
            await refused(transport, mechanism)
            await talk(transport, mechanism)
            print(f"slixmpp: {mechanism} over {transport}: ok", flush=True)


# The refusals are wanted, and the library complains of each.
logging.disable(logging.CRITICAL)
try:
    asyncio.run(main())
except Exception as error:
    sys.exit(f"slixmpp: {type(error).__name__}: {error}")
