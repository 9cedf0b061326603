"""sendxmpp: one message a run, over TLS and, on the machine itself, in the clear."""

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from xml.sax.saxutils import escape

from old import DOMAIN, PORT, Person, environment, ends, play, shown, text


PLAIN = "wherefore <art> & 'thou'"


async def romeo_has_password(password):
    romeo = Person("romeo", "orchard")
    await romeo.login()
    await romeo.ask("set", "<query xmlns='jabber:iq:register'><username>romeo</username>"
                           f"<password>{escape(password)}</password></query>")
    await romeo.logout()


async def send(home, body, *options):
    process = await asyncio.create_subprocess_exec(
        "sendxmpp", *options, f"juliet@{DOMAIN}",
        env=environment(home), stdin=PIPE, stdout=PIPE, stderr=STDOUT,
    )
    process.stdin.write(f"{body}\n".encode())
    process.stdin.write_eof()
    await ends(process, "sendxmpp")


async def scene(home, juliet):
    # What is beyond ASCII, this client sends in Latin-1, which no server can take for UTF-8.
    await romeo_has_password(PLAIN)
    settings = home / ".sendxmpprc"
    settings.write_text(
        f"username: romeo\njserver: {DOMAIN}\nport: {PORT}\n"
        f"password: {PLAIN}\n"
    )
    settings.chmod(0o600)
    secure = ("-t", "--tls-ca-path", os.environ["XMPP_CERTIFICATE"])
    for body, options in (("By TLS", secure), ("In the clear", ())):
        await send(home, body, *options, "-s", "News", "-r", "tomb")
        came = await juliet.expect("message", None)
        assert text(came, "body").strip() == body, shown(came)
        assert text(came, "subject") == "News", shown(came)
        assert came.get("from").startswith(f"romeo@{DOMAIN}/tomb"), shown(came)
    await send(home, "A headline", *secure, "--headline")
    came = await juliet.expect("message", None, type="headline")
    assert text(came, "body").strip() == "A headline", shown(came)


play("sendxmpp", scene)
