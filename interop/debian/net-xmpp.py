"""Net::XMPP, a library in Perl: its program is beside this one, and here is whom it talks to."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from pathlib import Path

from old import ROMEO, ends, environment, let_subscribe, play, shown, text


async def scene(home, juliet):
    perl = await asyncio.create_subprocess_exec(
        "perl", str(Path(__file__).with_suffix(".pl")),
        env=environment(home), stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
    )
    ended = asyncio.create_task(ends(perl, "net-xmpp"))
    talk = asyncio.create_task(talks(juliet))
    # Where the program ends early, it says more than whoever waits for it in vain.
    await asyncio.wait([ended, talk], return_when=asyncio.FIRST_EXCEPTION)
    if ended.done():
        await ended
    await talk
    await ended


async def talks(juliet):
    await let_subscribe(juliet, ROMEO)
    await juliet.expect("presence", ROMEO, type="subscribed")
    seen = await juliet.expect("presence", f"{ROMEO}/tomb")
    assert text(seen, "priority") == "3" and text(seen, "show") == "chat", shown(seen)
    said = await juliet.expect("message", f"{ROMEO}/tomb", type="chat")
    assert text(said, "body") == "Lady <by> yonder & 'blessed' moon", shown(said)
    juliet.say(f"<message to='{ROMEO}/tomb' type='chat'><body>O swear not by the &lt;moon&gt;</body></message>")
    await juliet.expect("presence", ROMEO, type="unsubscribed")
    await juliet.expect("presence", f"{ROMEO}/tomb", type="unavailable")


play("net-xmpp", scene)
