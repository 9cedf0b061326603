"""What the drivers of clients from Debian's packages have in common.

Each lets Romeo use the client and Juliet be a `Person`, and looks at what either of them gets.
"""

import asyncio
import fcntl
import logging
import os
import pty
import re
import struct
import sys
import tempfile
import termios
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "slixmpp"))

# Some of these are for the drivers alone, which find everything here.
from person import DOMAIN, HOST, LIMIT, PASSWORD, PORT, Person, find, has, shown, text  # noqa: E402

ROMEO, JULIET = f"romeo@{DOMAIN}", f"juliet@{DOMAIN}"
CERTIFICATE = os.environ["XMPP_CERTIFICATE"]


def play(name, scene):
    """Runs the scene in a home of its own, with Juliet there and online, and ends the process."""
    async def whole(home):
        juliet = Person("juliet", "balcony")
        await juliet.login()
        await juliet.ask("get", "<query xmlns='jabber:iq:roster'/>")
        juliet.say("<presence><priority>5</priority></presence>")
        await juliet.expect("presence", juliet.boundjid)
        await scene(Path(home), juliet)
        await juliet.logout()

    logging.disable(logging.CRITICAL)
    # What a client leaves running may still write to its home.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        try:
            asyncio.run(whole(home))
        except Exception as error:
            sys.exit(f"{name}: {type(error).__name__}: {error}")
    print(f"{name}: ok", flush=True)


def environment(home):
    """The environment for a client: a home with nothing in it, and letters beyond ASCII."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "xterm"}


async def are_contacts(juliet):
    """Makes Romeo and Juliet contacts, so that whoever of them logs in is seen by the other."""
    romeo = Person("romeo", "orchard")
    await romeo.login()
    for asks, answers in ((romeo, juliet), (juliet, romeo)):
        asks.say(f"<presence type='subscribe' to='{answers.me}'/>")
        await answers.nothing_more("error")
        answers.say(f"<presence type='subscribed' to='{asks.me}'/>")
        await asks.nothing_more("error")
    roster = await romeo.ask("get", "<query xmlns='jabber:iq:roster'/>")
    assert find(roster, "item").get("subscription") == "both", shown(roster)
    await romeo.logout()
    await juliet.nothing_more("message")
    juliet.forget()


async def let_subscribe(juliet, sender):
    """Juliet says yes to who asks to see her, and asks the same."""
    await juliet.expect("presence", sender, type="subscribe")
    juliet.say(f"<presence type='subscribed' to='{sender}'/>")
    juliet.say(f"<presence type='subscribe' to='{sender}'/>")


async def ends(process, name):
    """Waits for a program's end, which has to be a good one; returns what it said."""
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 2 * LIMIT)
    except TimeoutError:
        process.kill()
        raise AssertionError(f"{name} does not end") from None
    assert process.returncode == 0, f"{name} ended with {process.returncode}: {said.decode(errors='replace')}"
    return said.decode(errors="replace")


class Terminal:
    """A program that believes it is looked at."""

    # What moves the cursor and changes colours.
    CONTROL = re.compile(r"\x1b\[[0-9;?>!]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78M]|[\x0e\x0f\r]")

    def __init__(self, home, *command):
        self.name = Path(command[0]).name
        self.screen = b""
        self.arrival = asyncio.Event()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(home)
                os.execvpe(command[0], command, environment(home))
            finally:
                os._exit(127)
        # Wide enough that no line is broken.
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        asyncio.get_running_loop().add_reader(self.terminal, self.read)

    def read(self):
        try:
            came = os.read(self.terminal, 1 << 16)
        except OSError:
            came = b""
        if not came:
            asyncio.get_running_loop().remove_reader(self.terminal)
        self.screen += came
        self.arrival.set()

    def type(self, line):
        os.write(self.terminal, f"{line}\r".encode())

    def seen(self):
        return self.CONTROL.sub("", self.screen.decode(errors="replace"))

    async def shows(self, what):
        """Waits until something was shown since the last time one waited."""
        shown = await self.has_shown(what, within=LIMIT)
        assert shown, f"{self.name} never showed {what!r} but {self.seen()[-2000:]!r}"

    async def has_shown(self, what, within):
        """Whether something was shown since it was last waited for well, so many seconds from now."""
        try:
            async with asyncio.timeout(within):
                while what not in self.seen():
                    self.arrival.clear()
                    await self.arrival.wait()
        except TimeoutError:
            return False
        self.screen = b""
        return True

    async def end(self):
        """Waits until the program has ended, and ends it where it does not."""
        try:
            async with asyncio.timeout(LIMIT):
                while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
            raise AssertionError(f"{self.name} does not end") from None
