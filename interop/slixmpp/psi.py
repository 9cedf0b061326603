"""A day with a Psi of 2013: what it says to the server by itself, and what its user then does."""

import asyncio
import logging
import sys

from person import DOMAIN, Person, find, has, local, shown, text

ROMEO, JULIET = f"romeo@{DOMAIN}", f"juliet@{DOMAIN}"

# Capabilities as they were before they were hashed: a version and names of what is switched on.
CAPS = {
    "node": "http://psi-dev.googlecode.com/caps",
    "ver": "0.16",
    "ext": "ca cs e-time ep-notify-2 html last-act mr sxe whiteboard",
}
PRESENCE = "<presence><priority>50</priority><c xmlns='http://jabber.org/protocol/caps' {}/></presence>".format(
    " ".join(f"{name}='{value}'" for name, value in CAPS.items())
)

NAMES = "<query xmlns='jabber:iq:privacy'/>"
LIST = "<query xmlns='jabber:iq:privacy'><list name='blocked'/></query>"
BOOKMARKS = "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>"
CARD = "<vCard xmlns='vcard-temp'/>"
INFO = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
ROSTER = "<query xmlns='jabber:iq:roster'/>"
LAST = "<query xmlns='jabber:iq:last'/>"


class Psi(Person):
    """A person on Psi; the password goes in the clear, within TLS."""

    def __init__(self, name):
        super().__init__(name, "Psi", mechanism="PLAIN")
        # The header says which language, and what everybody knows: what `xml` stands for.
        self.stream_header = (
            "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' version='1.0'"
            f" xmlns='jabber:client' to='{DOMAIN}' xml:lang='en'"
            " xmlns:xml='http://www.w3.org/XML/1998/namespace'>"
        )
        self.register_plugin("xep_0092", {"software_name": "Psi", "version": "0.16"})

    async def begins(self):
        """What Psi does before its user can do anything; returns what the answers held."""
        await self.login()
        assert str(self.boundjid) == f"{self.me}/Psi", self.boundjid
        done = await self.ask("set", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>")
        assert done is None, shown(done)
        roster = await self.ask("get", ROSTER)
        await self.nothing_more("presence")

        self.say(PRESENCE)
        answers = [
            self.ask("get", NAMES),
            self.ask("get", BOOKMARKS),
            self.ask("get", CARD, to=self.me),
            self.ask("get", INFO, to=DOMAIN),
        ]
        names, bookmarks, card, info = await asyncio.gather(*answers)
        assert is_psi(await self.expect("presence", self.boundjid)), "its own presence came back changed"

        features = {feature.get("var") for feature in info if local(feature) == "feature"}
        missing = {
            "jabber:iq:last", "jabber:iq:privacy", "jabber:iq:private",
            "jabber:iq:version", "msgoffline", "vcard-temp", "http://jabber.org/protocol/disco#info",
        } - features
        assert not missing, f"the server does not tell of {missing}"
        identities = [(one.get("category"), one.get("type")) for one in info if local(one) == "identity"]
        assert ("server", "im") in identities, identities
        return roster, names, bookmarks, card

    async def ends(self):
        self.say("<presence type='unavailable'><status>Logged out</status></presence>")
        await self.logout()

    async def privacy(self, content):
        """Changes something about privacy lists."""
        await self.ask("set", f"<query xmlns='jabber:iq:privacy'>{content}</query>")


def is_psi(presence):
    caps = find(presence, "c")
    return presence.get("type") is None and text(presence, "priority") == "50" and caps.attrib == CAPS


def chat(to, body):
    return (
        f"<message to='{to}' type='chat' id='m-{len(body)}'><body>{body}</body>"
        "<active xmlns='http://jabber.org/protocol/chatstates'/></message>"
    )


async def first_time(person):
    """Where nothing was ever kept, the answers are there and hold nothing."""
    roster, names, bookmarks, card = await person.begins()
    assert len(roster) == 0 and len(names) == 0 and len(card) == 0, [shown(roster), shown(names), shown(card)]
    assert len(find(bookmarks, "storage")) == 0, shown(bookmarks)


async def become_contacts(romeo, juliet):
    await romeo.ask("set", f"<query xmlns='jabber:iq:roster'><item jid='{JULIET}' name='Juliet'>"
                           "<group>Capulets</group></item></query>")
    await romeo.expect("iq", ROMEO, item(JULIET, "none", name="Juliet"), type="set")
    for asks, answers in ((romeo, juliet), (juliet, romeo)):
        asks.say(f"<presence type='subscribe' to='{answers.me}'/>")
        await asks.expect("iq", asks.me, lambda push: find(push, "item").get("ask") == "subscribe", type="set")
        await answers.expect("presence", asks.me, type="subscribe")
        answers.say(f"<presence type='subscribed' to='{asks.me}'/>")
        await asks.expect("presence", answers.me, type="subscribed")
        assert is_psi(await asks.expect("presence", answers.boundjid)), "presence came changed"
    await romeo.expect("iq", ROMEO, item(JULIET, "both", name="Juliet"), type="set")
    await juliet.expect("iq", JULIET, item(ROMEO, "both"), type="set")
    # A client asks the other which it is, past the server.
    version = await romeo.ask("get", "<query xmlns='jabber:iq:version'/>", to=juliet.boundjid)
    assert text(version, "name") == "Psi", shown(version)


def item(jid, subscription, **attributes):
    wanted = {"jid": jid, "subscription": subscription, **attributes}

    def check(stanza):
        found = find(stanza, "item")
        return found is not None and wanted.items() <= found.attrib.items()
    return check


async def talk(romeo, juliet):
    romeo.say(chat(JULIET, "But soft!"))
    came = await juliet.expect("message", romeo.boundjid, has("body", "But soft!"), type="chat")
    assert find(came, "active") is not None, shown(came)
    juliet.say(chat(romeo.boundjid, "Ay me &amp; &lt;sigh&gt;"))
    await romeo.expect("message", juliet.boundjid, has("body", "Ay me & <sigh>"), type="chat")


async def block(romeo, juliet):
    """Romeo has one list, as Psi makes it: who is blocked, and then everybody else."""
    await romeo.privacy(f"<list name='blocked'><item type='jid' value='{JULIET}' action='deny' order='1'/>"
                        "<item action='allow' order='100'/></list>")
    await romeo.expect("iq", ROMEO, has("list"), type="set")
    await romeo.privacy("<default name='blocked'/>")
    await romeo.privacy("<active name='blocked'/>")
    await juliet.expect("presence", romeo.boundjid, type="unavailable")
    await romeo.expect("presence", JULIET, type="unavailable")

    names = await romeo.ask("get", NAMES)
    told = [(local(one), one.get("name")) for one in names]
    assert sorted(told) == [("active", "blocked"), ("default", "blocked"), ("list", "blocked")], told
    rules = find(await romeo.ask("get", LIST), "list")
    assert [(rule.get("action"), rule.get("order")) for rule in rules] == [("deny", "1"), ("allow", "100")]

    juliet.say(chat(ROMEO, "Art thou not Romeo?"))
    refused = await juliet.expect("message", ROMEO, type="error")
    assert find(refused, "service-unavailable") is not None, shown(refused)
    romeo.say(chat(JULIET, "Neither"))
    refused = await romeo.expect("message", JULIET, type="error")
    assert find(refused, "not-acceptable") is not None, shown(refused)
    await romeo.nothing_more("message")
    await juliet.nothing_more("message")
    await juliet.refused(juliet.ask("get", LAST, to=romeo.boundjid), "service-unavailable")


async def unblock(romeo, juliet):
    await romeo.privacy("<list name='blocked'><item action='allow' order='100'/></list>")
    await romeo.expect("iq", ROMEO, has("list"), type="set")
    assert is_psi(await juliet.expect("presence", romeo.boundjid))
    assert is_psi(await romeo.expect("presence", juliet.boundjid))
    juliet.say(chat(ROMEO, "Dost thou love me?"))
    await romeo.expect("message", juliet.boundjid, has("body", "Dost thou love me?"))


async def keep_things(romeo, juliet):
    await romeo.ask("set", "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'>"
                           f"<conference name='Square' jid='square@rooms.{DOMAIN}'><nick>Romeo</nick>"
                           "</conference></storage></query>")
    await romeo.ask("set", "<vCard xmlns='vcard-temp'><FN>Romeo</FN><NICKNAME>romeo</NICKNAME></vCard>",
                    to=ROMEO)
    card = await juliet.ask("get", CARD, to=ROMEO)
    assert text(card, "FN") == "Romeo", shown(card)


async def while_away(romeo, juliet):
    await romeo.ends()
    gone = await juliet.expect("presence", romeo.boundjid, type="unavailable")
    assert text(gone, "status") == "Logged out", shown(gone)
    last = await juliet.ask("get", LAST, to=ROMEO)
    assert last.text == "Logged out" and 0 <= int(last.get("seconds")) < 60, shown(last)
    for body in ("Hist!", "Romeo, hist!"):
        juliet.say(chat(ROMEO, body))
    await juliet.nothing_more("message")


async def comes_back(juliet):
    """What was kept is there: contacts, lists, bookmarks, the card, and what was said meanwhile."""
    romeo = Psi("romeo")
    roster, names, bookmarks, card = await romeo.begins()
    assert item(JULIET, "both", name="Juliet")(roster) and text(roster, "group") == "Capulets", shown(roster)
    told = sorted((local(one), one.get("name")) for one in names)
    assert told == [("default", "blocked"), ("list", "blocked")], told
    rules = find(await romeo.ask("get", LIST), "list")
    assert [rule.attrib for rule in rules] == [{"action": "allow", "order": "100"}], shown(rules)
    assert text(bookmarks, "nick") == "Romeo", shown(bookmarks)
    assert text(card, "NICKNAME") == "romeo", shown(card)

    assert is_psi(await romeo.expect("presence", juliet.boundjid))
    assert is_psi(await juliet.expect("presence", romeo.boundjid))
    kept = [await romeo.expect("message", juliet.boundjid) for _ in range(2)]
    assert [text(message, "body") for message in kept] == ["Hist!", "Romeo, hist!"]
    assert all(find(message, "delay") is not None for message in kept), "kept, and not said since when"
    await romeo.nothing_more("message")
    return romeo


async def part(romeo, juliet):
    """The server tells how long it runs; then the two are no contacts any more."""
    up = await romeo.ask("get", LAST, to=DOMAIN)
    assert 0 <= int(up.get("seconds")) < 600, shown(up)
    await romeo.ask("set", f"<query xmlns='jabber:iq:roster'><item jid='{JULIET}' subscription='remove'/></query>")
    await romeo.expect("iq", ROMEO, item(JULIET, "remove"), type="set")
    await juliet.expect("presence", ROMEO, type="unsubscribe")
    await juliet.expect("presence", ROMEO, type="unsubscribed")
    await juliet.expect("iq", JULIET, item(ROMEO, "none"), type="set")
    await juliet.expect("presence", romeo.boundjid, type="unavailable")
    await juliet.refused(juliet.ask("get", LAST, to=ROMEO), "forbidden")
    await romeo.ends()
    await juliet.ends()


async def main():
    romeo, juliet = Psi("romeo"), Psi("juliet")
    await first_time(juliet)
    await first_time(romeo)
    for scene in (become_contacts, talk, block, unblock, keep_things, while_away):
        await scene(romeo, juliet)
        print(f"psi: {scene.__name__.replace('_', ' ')}: ok", flush=True)
    romeo = await comes_back(juliet)
    await part(romeo, juliet)
    print("psi: comes back, part: ok", flush=True)


logging.disable(logging.CRITICAL)
try:
    asyncio.run(main())
except Exception as error:
    sys.exit(f"psi: {type(error).__name__}: {error}")
