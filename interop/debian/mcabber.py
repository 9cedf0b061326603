"""mcabber, on a terminal: presence, a talk, a contact lost and found, and what was said meanwhile."""

from old import CERTIFICATE, HOST, JULIET, LIMIT, PASSWORD, PORT, ROMEO, Terminal
from old import are_contacts, has, let_subscribe, play, shown, text

TOMB = f"{ROMEO}/tomb"


async def begins(home, juliet):
    folder = home / ".mcabber"
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = folder / "mcabberrc"
    settings.write_text(
        f"set jid = {ROMEO}\nset password = {PASSWORD}\nset server = {HOST}\nset port = {PORT}\n"
        f"set resource = tomb\nset disable_random_resource = 1\nset priority = 3\n"
        f"set tls = 1\nset ssl_ca = {CERTIFICATE}\n"
    )
    settings.chmod(0o600)
    romeo = Terminal(home, "mcabber", "-f", str(settings))
    seen = await juliet.expect("presence", TOMB)
    assert seen.get("type") is None and text(seen, "priority") == "3", shown(seen)
    return romeo


async def reads(romeo, body):
    """Looks at what Juliet said, again and again: she is found once the contact list has come."""
    for _ in range(LIMIT):
        romeo.type(f"/roster search {JULIET}")
        # An empty line opens the window.
        romeo.type("")
        if await romeo.has_shown(body, within=1):
            return
    await romeo.shows(body)


async def scene(home, juliet):
    await are_contacts(juliet)
    romeo = await begins(home, juliet)

    romeo.type(f"/say_to {JULIET} But soft & <still>")
    await juliet.expect("message", TOMB, has("body", "But soft & <still>"), type="chat")
    juliet.say(f"<message to='{ROMEO}' type='chat'><body>Ay me &amp; &lt;alas&gt;</body></message>")
    await reads(romeo, "Ay me & <alas>")

    romeo.type("/status dnd At the tomb")
    await juliet.expect("presence", TOMB, lambda it: text(it, "show") == "dnd" and text(it, "status") == "At the tomb")

    romeo.type("/del")
    await juliet.expect("presence", ROMEO, type="unsubscribed")
    await juliet.expect("presence", TOMB, type="unavailable")
    juliet.forget()
    romeo.type(f"/add {JULIET} Juliet")
    await let_subscribe(juliet, ROMEO)
    await romeo.shows("wants to subscribe to your presence")
    romeo.type(f"/authorization allow {JULIET}")
    await juliet.expect("presence", ROMEO, type="subscribed")
    await juliet.expect("presence", TOMB, has("show", "dnd"))

    romeo.type("/status offline Thus with a kiss")
    gone = await juliet.expect("presence", TOMB, type="unavailable")
    assert text(gone, "status") == "Thus with a kiss", shown(gone)
    romeo.type("/quit")
    await romeo.end()
    juliet.say(f"<message to='{ROMEO}' type='chat'><body>Where is my Romeo?</body></message>")
    await juliet.nothing_more("message")
    romeo = await begins(home, juliet)
    await reads(romeo, "Where is my Romeo?")
    romeo.type("/quit")
    await juliet.expect("presence", TOMB, type="unavailable")
    await romeo.end()


play("mcabber", scene)
