"""libpurple, the library of Pidgin and Finch, without either: called from here."""

import asyncio
import ctypes
from ctypes import CFUNCTYPE, Structure, c_char_p, c_int, c_uint, c_void_p

from old import CERTIFICATE, HOST, JULIET, LIMIT, PASSWORD, PORT, ROMEO
from old import find, has, let_subscribe, play, shown

HOME = f"{ROMEO}/home"

# Its plugins, of which this protocol is one, look for its functions among those of everybody.
purple = ctypes.CDLL("libpurple.so.0", mode=ctypes.RTLD_GLOBAL)
glib = ctypes.CDLL("libglib-2.0.so.0")

# Constants of libpurple's and GLib's headers.
READ, WRITE = 1, 2
G_IN, G_OUT, G_BROKEN = 1, 4, 8 | 16 | 32
AVAILABLE = 2
IM = 1

InputFunction = CFUNCTYPE(None, c_void_p, c_int, c_int)
WatchFunction = CFUNCTYPE(c_int, c_int, c_int, c_void_p)
InputAdd = CFUNCTYPE(c_uint, c_int, c_int, c_void_p, c_void_p)


class EventLoop(Structure):
    _fields_ = [
        ("timeout_add", c_void_p),
        ("timeout_remove", c_void_p),
        ("input_add", InputAdd),
        ("input_remove", c_void_p),
        ("input_get_error", c_void_p),
        ("timeout_add_seconds", c_void_p),
        ("reserved", c_void_p * 3),
    ]


def call(name, *arguments, returns=None):
    """Calls a function of libpurple's; text goes as UTF-8, addresses as what they are."""
    function = getattr(purple, name)
    function.restype = returns
    given = [argument.encode() if isinstance(argument, str) else argument for argument in arguments]
    return function(*(c_void_p(one) if isinstance(one, int) and one > 1 << 31 else one for one in given))


def get(name, *arguments):
    """The address that a function of libpurple's returns."""
    return call(name, *arguments, returns=c_void_p)


watches = []


@InputAdd
def input_add(descriptor, condition, function, data):
    handed = InputFunction(function)

    @WatchFunction
    def ready(descriptor, came, data):
        found = (READ if came & ~G_OUT else 0) | (WRITE if came & (G_OUT | G_BROKEN) else 0)
        handed(data, descriptor, found & condition or condition)
        return 1

    watches.append(ready)
    wanted = (G_IN if condition & READ else 0) | (G_OUT if condition & WRITE else 0) | G_BROKEN
    return glib.g_unix_fd_add(descriptor, wanted, ready, c_void_p(data))


def address(function):
    return ctypes.cast(function, c_void_p).value


loop_of_glib = EventLoop(
    timeout_add=address(glib.g_timeout_add),
    timeout_remove=address(glib.g_source_remove),
    input_add=input_add,
    input_remove=address(glib.g_source_remove),
    timeout_add_seconds=address(glib.g_timeout_add_seconds),
)


class Pidgin:
    """Romeo on libpurple: what it signals is kept until it is waited for."""

    def __init__(self, home):
        folder = home / "purple"
        # What was accepted once is trusted, under the name that one connects to.
        trusted = folder / "certificates/x509/tls_peers"
        trusted.mkdir(mode=0o700, parents=True)
        with open(CERTIFICATE) as certificate:
            (trusted / HOST).write_text(certificate.read())
        self.signals = []
        self.kept = []
        call("purple_util_set_user_dir", str(folder))
        call("purple_eventloop_set_ui_ops", ctypes.byref(loop_of_glib))
        assert call("purple_core_init", "interop", returns=c_int), "libpurple does not start"
        call("purple_set_blist", c_void_p(get("purple_blist_new")))
        self.listen()
        self.account = get("purple_account_new", HOME, "prpl-jabber")
        call("purple_account_set_password", self.account, PASSWORD)
        call("purple_account_set_remember_password", self.account, 1)
        call("purple_account_set_string", self.account, "connect_server", HOST)
        call("purple_account_set_int", self.account, "port", int(PORT))
        call("purple_account_set_string", self.account, "connection_security", "require_tls")
        call("purple_accounts_add", self.account)

    def listen(self):
        def buddy(name):
            def told(buddy, _):
                who = call("purple_buddy_get_name", buddy, returns=c_char_p)
                self.signals.append((name, who.decode()))
            return None, (c_void_p, c_void_p), told

        def message(account, sender, body, conversation, flags, _):
            self.signals.append(("message", sender.decode(), body.decode()))

        def asked(account, who, _):
            self.signals.append(("asked", who.decode()))
            # Yes.
            return 1

        def broken(connection, reason, description, _):
            self.signals.append(("broken", description.decode()))

        connections, buddies = get("purple_connections_get_handle"), get("purple_blist_get_handle")
        for handle, name, (returns, takes, function) in (
            (connections, "signed-on", (None, (c_void_p, c_void_p), lambda *_: self.signals.append(("signed-on",)))),
            (connections, "connection-error", (None, (c_void_p, c_int, c_char_p, c_void_p), broken)),
            (buddies, "buddy-signed-on", buddy("there")),
            (buddies, "buddy-signed-off", buddy("gone")),
            (get("purple_conversations_get_handle"), "received-im-msg",
             (None, (c_void_p, c_char_p, c_char_p, c_void_p, c_int, c_void_p), message)),
            (get("purple_accounts_get_handle"), "account-authorization-requested",
             (c_int, (c_void_p, c_char_p, c_void_p), asked)),
        ):
            called = CFUNCTYPE(returns, *takes)(function)
            self.kept.append(called)
            # Any address will do to say who listens.
            call("purple_signal_connect", handle, name, ctypes.byref(loop_of_glib), called, None)

    async def until(self, *signal):
        """Lets the library run until it has signalled that."""
        try:
            async with asyncio.timeout(LIMIT):
                while signal not in self.signals:
                    while glib.g_main_context_iteration(None, 0):
                        pass
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"libpurple never signalled {signal} but {self.signals}") from None
        self.signals.remove(signal)

    async def while_running(self, awaited):
        """Waits for something while the library runs."""
        task = asyncio.ensure_future(awaited)
        while not task.done():
            while glib.g_main_context_iteration(None, 0):
                pass
            await asyncio.sleep(0.01)
        return await task

    def connect(self):
        call("purple_account_set_enabled", self.account, "interop", 1)
        status = get("purple_savedstatus_new", None, AVAILABLE)
        call("purple_savedstatus_activate", status)

    def add(self, jid, name, group):
        group = get("purple_group_new", group)
        buddy = get("purple_buddy_new", self.account, jid, name)
        call("purple_blist_add_group", group, None)
        call("purple_blist_add_buddy", buddy, None, group, None)
        call("purple_account_add_buddy", self.account, buddy)

    def say(self, jid, body):
        conversation = get("purple_conversation_new", IM, self.account, jid)
        call("purple_conv_im_send", get("purple_conversation_get_im_data", conversation), body)


async def scene(home, juliet):
    romeo = Pidgin(home)
    romeo.connect()
    await romeo.until("signed-on")

    romeo.add(JULIET, "Juliet", "Capulets")
    await romeo.while_running(let_subscribe(juliet, ROMEO))
    await romeo.until("asked", JULIET)
    await romeo.until("there", JULIET)
    await romeo.while_running(juliet.expect("presence", ROMEO, type="subscribed"))
    seen = await romeo.while_running(juliet.expect("presence", HOME))
    assert find(seen, "c").get("node") == "http://pidgin.im/", shown(seen)

    romeo.say(JULIET, "But soft &amp; &lt;still&gt;")
    await romeo.while_running(juliet.expect("message", HOME, has("body", "But soft & <still>"), type="chat"))
    juliet.say(f"<message to='{ROMEO}' type='chat'><body>Ay me &amp; &lt;alas&gt;</body></message>")
    # The library hands on HTML.
    await romeo.until("message", f"{JULIET}/balcony", "Ay me &amp; &lt;alas&gt;")

    call("purple_privacy_deny_add", romeo.account, JULIET, 0, returns=c_int)
    await romeo.while_running(juliet.expect("presence", HOME, type="unavailable"))
    await romeo.until("gone", JULIET)
    juliet.say(f"<message to='{ROMEO}' type='chat'><body>Art thou not Romeo?</body></message>")
    refused = await romeo.while_running(juliet.expect("message", ROMEO, type="error"))
    assert find(refused, "service-unavailable") is not None, shown(refused)
    call("purple_privacy_deny_remove", romeo.account, JULIET, 0, returns=c_int)
    await romeo.while_running(juliet.expect("presence", HOME, lambda it: it.get("type") is None))
    await romeo.until("there", JULIET)

    call("purple_account_disconnect", romeo.account)
    await romeo.while_running(juliet.expect("presence", HOME, type="unavailable"))
    juliet.forget()
    juliet.say(f"<message to='{ROMEO}' type='chat'><body>Where is my Romeo?</body></message>")
    await juliet.nothing_more("message")
    romeo.signals.clear()
    call("purple_account_connect", romeo.account)
    await romeo.until("signed-on")
    await romeo.until("there", JULIET)
    await romeo.until("message", f"{JULIET}/balcony", "Where is my Romeo?")
    await romeo.while_running(juliet.expect("presence", HOME, lambda it: it.get("type") is None))
    call("purple_core_quit")
    await juliet.expect("presence", HOME, type="unavailable")


play("libpurple", scene)
