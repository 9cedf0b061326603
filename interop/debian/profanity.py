"""profanity, on a terminal: presence, a talk, blocking, and what was said meanwhile."""

from old import HOST, JULIET, PASSWORD, PORT, ROMEO, Terminal
from old import are_contacts, find, has, play, shown, text

TOMB = f"{ROMEO}/tomb"


async def begins(home, juliet):
    folder = home / ".local/share/profanity"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = folder / "accounts"
    settings.write_text(
        f"[romeo]\nenabled=true\njid={ROMEO}\nresource=tomb\npassword={PASSWORD}\n"
        f"server={HOST}\nport={PORT}\ntls.policy=trust\n"
        "presence.login=online\npriority.online=3\npriority.dnd=2\n"
    )
    settings.chmod(0o600)
    romeo = Terminal(home, "profanity", "-a", "romeo")
    seen = await juliet.expect("presence", TOMB)
    assert seen.get("type") is None and text(seen, "priority") == "3", shown(seen)
    return romeo


async def scene(home, juliet):
    await are_contacts(juliet)
    romeo = await begins(home, juliet)

    romeo.type(f"/msg {JULIET} But soft & <still>")
    await juliet.expect("message", TOMB, has("body", "But soft & <still>"), type="chat")
    juliet.say(f"<message to='{ROMEO}' type='chat'><body>Ay me &amp; &lt;alas&gt;</body></message>")
    await romeo.shows("Ay me & <alas>")

    romeo.type("/status set dnd \"At the tomb\"")
    await juliet.expect("presence", TOMB, lambda it: text(it, "show") == "dnd" and text(it, "status") == "At the tomb")

    romeo.type(f"/blocked add {JULIET}")
    await juliet.expect("presence", TOMB, type="unavailable")
    juliet.say(f"<message to='{ROMEO}' type='chat' id='1'><body>Art thou not Romeo?</body></message>")
    refused = await juliet.expect("message", ROMEO, type="error")
    assert find(refused, "service-unavailable") is not None, shown(refused)
    romeo.type(f"/blocked remove {JULIET}")
    await juliet.expect("presence", TOMB, has("show", "dnd"))

    romeo.type("/quit")
    await juliet.expect("presence", TOMB, type="unavailable")
    await romeo.end()
    juliet.forget()
    juliet.say(f"<message to='{ROMEO}' type='chat'><body>Where is my Romeo?</body></message>")
    await juliet.nothing_more("message")
    romeo = await begins(home, juliet)
    romeo.type(f"/msg {JULIET}")
    await romeo.shows("Where is my Romeo?")
    romeo.type("/quit")
    await juliet.expect("presence", TOMB, type="unavailable")
    await romeo.end()


play("profanity", scene)
