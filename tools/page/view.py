# SPDX-License-Identifier: MIT
"""What the page and programs ask a gateway that runs: how it is as a whole, its devices, the lives of messages."""

import functools

from tools.page.devices import Devices
from tools.page.live import for_people
from tools.page.updates import Updates
from tools.server.hosts import is_loopback
from tools.server.isolation import reason_of
from tools.store.opening import masked
from tools.store.server.listedtables import AWAY, NEVER, REGISTERED
from tools.store.tables import DATA
from tools.wire import payload as payloads
from tools.wire.bodies import Address, same

LATEST = 30  # events of an overview
MODES = {"both": "gateway with its server", "server": "server", "gateway": "gateway"}
# What a program without a server cannot say.
_UNKNOWN = ("waiting", "quarantine", "groups", "topics", "messages that wait at the server", "updates")
_COUNTED = ("accepted", "delivered", "reported", "stored", "failed", "discarded", "refused", "retry")


@functools.cache
def version():
    """Of this project, as it is installed."""
    import importlib.metadata  # sixteen modules, and few programs are asked

    try:
        return importlib.metadata.version("msgin5g-tools")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


class View:
    """Of `program`; `history` is a History. What it reads, it reads between two events."""

    def __init__(self, program, history):
        self._program = program
        self.history = history
        self.devices = Devices(program, history)
        self.updates = Updates(program.store)
        self._since = program.clock()

    def overview(self):
        """The program, how many there are of what, what is wrong."""
        program, options = self._program, self._program.options
        return {
            "gateway": {
                "version": version(),
                "mode": program.mode,
                "store": masked(options.store),
                "security": options.security,
                "coap": program.address("coap"),
                "http": program.http_uri,
                "since": self._since,
                "sendsAs": program.sends_as,
                "unknown": list(_UNKNOWN) if program.mode == "gateway" else [],
            },
            "counts": self.counts(),
            "warnings": self.warnings(),
            "quarantine": self.quarantine(),
            "events": [for_people(record) for record in list(program.events.recent)[-LATEST:]],
            "time": program.clock(),
            "at": self.history.at,
        }

    def counts(self):
        """How many there are of each, and how often each was told since the start."""
        store, history, told = self._program.store, self.history, self._program.events.counts
        listed = store.count_listed()
        counts = {REGISTERED: listed[REGISTERED], AWAY: listed[AWAY], NEVER: listed[NEVER]}
        counts["waiting"] = store.load(DATA)[0]
        counts["quarantine"] = store.count_aside()
        counts |= {name: told.get(name, 0) for name in _COUNTED}
        dropped = history.lives.dropped
        return counts | {
            "lives": len(history.lives),
            "livesDropped": dropped["messages"],
            "payloadsDropped": dropped["payloads"],
        }

    def quarantine(self):
        """What was set aside after an error."""
        server = getattr(self._program, "server", None)
        return [] if server is None else server.quarantine.listed()

    def warnings(self):
        """Sentences on what somebody should look at."""
        program, options = self._program, self._program.options
        found = []
        if options.security == "none":
            found.append("Security mode none: whoever reaches this address can register and send.")
        elif options.settings.open:
            found.append("Open: every UE Service ID with a key may register.")
        if not is_loopback(options.http[0]):
            found.append("The HTTP side can be reached from other machines, without encryption.")
        if options.store == ":memory:":
            found.append("The store is in memory: all of it is gone with this program.")
        for sink in program.events.state():
            if sink["failing"]:
                found.append("%s takes no events: %s." % (sink["sink"], sink["failing"]))
        told = program.events.counts
        for event, words in _WARNED.items():
            if told.get(event):
                found.append(words)
        return found

    def message(self, origin, msg_id):
        """The life of a message, None where none is kept."""
        life = self.history.lives.get(origin, msg_id)
        if life is None:
            return None
        return life.whole() | {"payload": life.payload is not None or bool(self._waiting(life))}

    def payload(self, origin, msg_id):
        """The octets that it carries, None where they are not kept any more."""
        life = self.history.lives.get(origin, msg_id)
        if life is None or life.payload is not None:
            return None if life is None else life.payload
        try:
            parts = [part for id_ in self._waiting(life)[:1] for part in self._program.store.parts(id_)]
            return b"".join(map(payloads.to_plain, parts)) if parts else None
        except Exception as error:  # of a row that cannot be read: the server meets it, too
            self._program.events.emit("error", kind="page", reason=reason_of(error), place="")
            return None

    def _waiting(self, life):
        """Ids of what waits of it in the store."""
        for type_ in ("UE", "AS"):
            ids = self._program.store.waiting_of(Address(type_, life.origin), same(life.msg_id))
            if ids:
                return ids
        return []


_WARNED = {
    "key-reused": "Two devices have one key, or one was put back from an old copy: the events say which.",
    "store-restored": "The store may be an older copy: see docs/security.md.",
    "numbers-jumped": "The store was put back from an older copy.",
    "store-mended": "Other accounts of this machine could read files with keys before this start.",
    "registers-again": "A device registers again and again: it does not take the answers.",
}
