"""A person on slixmpp: says what it is told, and remembers what comes until somebody expects it."""

import asyncio
import os
import xml.etree.ElementTree as ET

import slixmpp
from slixmpp.exceptions import IqError

DOMAIN = os.environ["XMPP_DOMAIN"]
HOST = os.environ["XMPP_HOST"]
PORT = os.environ["XMPP_PORT"]
PASSWORD = os.environ["XMPP_PASSWORD"]

# Every wait ends after this many seconds, with an error.
LIMIT = 15


class Person(slixmpp.ClientXMPP):
    """An account whose client decides nothing by itself: every stanza is asked for or expected."""

    def __init__(self, name, resource, mechanism=None):
        super().__init__(f"{name}@{DOMAIN}/{resource}", PASSWORD, sasl_mech=mechanism)
        self.me = f"{name}@{DOMAIN}"
        self.enable_direct_tls = False
        self.enable_plaintext = False
        self.ca_certs = os.environ["XMPP_CERTIFICATE"]
        # Neither yes nor no: whoever asks for a subscription waits for the person.
        self.auto_authorize = None
        self.auto_subscribe = False
        self.inbox = []
        self.arrival = asyncio.Event()
        self.add_filter("in", self.remember)

    def remember(self, stanza):
        self.inbox.append(stanza.xml)
        self.arrival.set()
        return stanza

    async def login(self):
        """Connects, and ends where a session has begun."""
        ends = ["session_start", "failed_all_auth", "connection_failed", "ssl_invalid_chain"]
        waits = {asyncio.create_task(self.wait_until(end, LIMIT)): end for end in ends}
        self.connect(HOST, PORT)
        done, waiting = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waiting:
            wait.cancel()
        outcome = waits[done.pop()]
        assert outcome == "session_start", f"{self.me}: {outcome}"
        self.inbox.clear()

    async def logout(self):
        await asyncio.wait_for(self.disconnect(), LIMIT)

    def say(self, stanza):
        """Sends a stanza as it is written here."""
        self.send_raw(stanza)

    def ask(self, kind, payload, to=None):
        """Sends a request at once; to be awaited for what the result holds, or for `IqError`."""
        request = self.make_iq(ito=to, itype=kind)
        request.append(ET.fromstring(payload))
        answer = request.send(timeout=LIMIT)

        async def child():
            answered = await answer
            assert answered["to"] == self.boundjid, f"an answer to {answered['to']}"
            return next(iter(answered.xml), None)

        return child()

    async def refused(self, asked, *conditions):
        """The error that a request has to end with."""
        try:
            found = await asked
        except IqError as error:
            assert error.condition in conditions, f"{error.condition}, not {conditions}"
        else:
            raise AssertionError(f"not refused with {conditions} but answered {shown(found)}")

    async def expect(self, name, sender, check=lambda _: True, **attributes):
        """Takes the first such stanza out of what came, and waits for it if it has not come yet."""
        def fits(stanza):
            return (
                local(stanza) == name
                and (sender is None or stanza.get("from", self.me) == str(sender))
                and all(stanza.get(key) == value for key, value in attributes.items())
                and check(stanza)
            )

        try:
            async with asyncio.timeout(LIMIT):
                while True:
                    self.arrival.clear()
                    found = next((stanza for stanza in self.inbox if fits(stanza)), None)
                    if found is not None:
                        self.inbox.remove(found)
                        return found
                    await self.arrival.wait()
        except TimeoutError:
            came = "\n  ".join(shown(stanza) for stanza in self.inbox)
            wanted = f"{name} from {sender} with {attributes}"
            raise AssertionError(f"{self.me} never got {wanted} but:\n  {came}") from None

    async def nothing_more(self, name):
        """Says that no such stanza is left, once all that was on its way has come."""
        await self.ask("get", "<ping xmlns='urn:xmpp:ping'/>", DOMAIN)
        left = [shown(stanza) for stanza in self.inbox if local(stanza) == name]
        assert not left, f"{self.me} was not to get {left}"

    def forget(self):
        self.inbox.clear()


def local(element):
    return element.tag.rpartition("}")[2]


def find(element, name):
    """The first descendant of that name, whatever its namespace."""
    return next((below for below in element.iter() if local(below) == name), None)


def text(element, name):
    found = find(element, name)
    return None if found is None else found.text


def has(name, content=None):
    """A check for `expect`: that there is such a descendant, with such a text."""
    if content is None:
        return lambda stanza: find(stanza, name) is not None
    return lambda stanza: text(stanza, name) == content


def shown(element):
    return "nothing" if element is None else ET.tostring(element, encoding="unicode")
