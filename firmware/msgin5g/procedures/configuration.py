# SPDX-License-Identifier: MIT
"""UE configuration: TS 24.538 clauses 6.2.1 to 6.2.3, 7.2 and 7.3.2, by a GET of TS 24.546 clause 6.2.3.3.

A device that knows its MSGin5G UE ID asks for the rest before it registers, and keeps it. After a restart it uses what
it kept at once; it asks again behind the registration, when that is too old, and then what has changed takes effect.
"""

import binascii

import msgin5g
from coap import numbers
from coap.compat import const, json_octets, unload
from coap.message import Message, uint_octets

from ..outgoing.body_builder import LEAST_ROOM
from ..rules import policy
from ..rules.steps import Step
from ..store.storage import loads
from ..timing import Countdown, lifetime
from ..wire import bodies, configuration
from ..wire.identifiers import BodyError, service_id_error

FILE = "configuration"
_VERSION = const(1)  # of that file
_MAX_FILE = const(4096)
_LONGEST = const(86400)  # s, where the server does not say
_YEAR = const(31536000)  # s
_UNKNOWN_AGE = const(3600)  # s until what was kept over a restart is asked for, where its age is not known
_SPREAD = const(10000)  # ms, so that devices that were switched on together do not ask together for ever
_GRACE = const(10000)  # ms beyond the time that a gateway said in which its answer may still come
_MAX_HELD = const(3600)  # s


class Settings:
    """What is kept: what the server said, and when. `fields` are in the order of the file (docs/flash-format.md)."""

    def __init__(self, ue_id, document, etag, ue, server, size, fetched=None, max_age=_LONGEST):
        self.fields = [ue_id, document, etag, ue, server, size, fetched, max_age]
        self.etag = None if etag is None else binascii.unhexlify(etag)
        self.ue = ue
        self.size = size
        self.host, self.port = (None, None) if server is None else _address(server)

    def aged(self, fetched, max_age):
        """Take note that it is known to hold since `fetched`, for `max_age` seconds."""
        self.fields[6:8] = [fetched, max_age]


def _address(uri):
    """Return (host, port) of the server. Raise BodyError."""
    from ..config_check import split_uri

    octets = uri.encode()
    if not octets or min(octets) <= 0x20 or max(octets) >= 0x7F:  # no URI; and see coap.compat.printable
        raise BodyError("serverAddr", "not a coap:// URI")
    try:
        # a path or a query says nothing to a device: all its resources have their place
        head, slashes, rest = uri.partition("//")
        scheme, host, port = split_uri(head + slashes + rest.split("/")[0].split("?")[0])
        if scheme != "coap":
            raise BodyError("serverAddr", "not a coap:// URI")
        return host, port
    except msgin5g.ConfigError:
        raise BodyError("serverAddr", "not a coap:// URI")
    finally:
        unload("msgin5g.config_check")


def _restored(fields, ue_id):
    """Return the Settings that these fields of an earlier run are, None where they are none for this UE ID."""
    try:
        if not isinstance(fields, list) or fields[0] != ue_id or service_id_error(fields[3]):
            return None
        size, fetched, max_age = fields[5:8]
        for number in (size, max_age, fetched or 0):
            if not isinstance(number, int):
                return None
        return Settings(*fields[:8])
    except (BodyError, TypeError, ValueError, IndexError, AttributeError):
        return None


class Configuration(Step):
    """The configuration of this device: `settings` is what it has, None while it has none."""

    event = "configure"

    def __init__(self, client):
        super().__init__(client)
        file = client.config.given or client.config.__dict__
        self.settings = None
        self._file_host = file["server_host"]
        self._limit = file["segments"]["size"]
        self._later = None
        self._cut = False  # whether what waits in the outbox has to be cut to what was taken
        self._taken = None  # settings that wait for the registration, which is on the air
        self._doubted = False  # whether a registration was refused with what the device has
        self.ready = not client.config.fetches  # by a call of the application it may begin later
        self._writable = True
        self._used_with = None  # the peer that the name of the server was compared with
        if client.config.fetches:
            self._restore()

    # --- what is kept -----------------------------------------------------------------------------------

    def _restore(self):
        """Take what an earlier run kept. What is damaged counts as nothing; it must not keep the device from
        starting."""
        try:
            octets = self.client.storage.read(FILE, 0, _MAX_FILE)
        except OSError:
            self._writable = False
            return
        head, _, rest = octets.partition(b"\n")
        version, _, check = head.partition(b" ")
        try:
            if version and int(version) > _VERSION:
                self._writable = False  # it is left alone
                return
            if int(check, 16) != binascii.crc32(rest):
                return
            found = _restored(loads(rest), self.client.config.ue_id)
        except ValueError:
            return
        if found is None:
            return
        self.settings = found
        self.ready = self._cut = True
        self._use(found)
        self.due = Countdown(self._left(found) * 1000)

    def _left(self, settings):
        """Return seconds until it is too old."""
        fetched, max_age = settings.fields[6:8]
        now = self._seconds()
        if fetched is None or now is None:
            return min(max_age, _UNKNOWN_AGE)
        return max(0, min(max_age, fetched + max_age - now))

    def _seconds(self):
        seconds = None if self.client.clock is None else self.client.clock()
        return None if seconds is None else int(seconds)

    def _store(self):
        text = json_octets(self.settings.fields)
        octets = b"%d %x\n" % (_VERSION, binascii.crc32(text)) + text
        storage = self.client.storage
        if self._writable:
            try:
                if storage.read(FILE, 0, _MAX_FILE) != octets:  # flash wears
                    storage.replace(FILE, octets)
            except OSError:
                pass  # after a restart it is asked for again

    def fetch(self, now):
        """Ask now, behind the registration where there is one. Raise ValueError without a UE ID."""
        if self.client.config.ue_id is None:
            raise ValueError("ue_id: is missing; a configuration is asked for by it")
        if self._later is None:  # an answer is on its way
            self.due = Countdown(0, now)

    # --- asking -----------------------------------------------------------------------------------------

    def next(self, now):
        if self.ready and self.client.registration.state not in ("registered", "refused", "unreachable"):
            return None  # the registration goes first
        return super().next(now)

    def job(self, now):
        self._forget()
        return FILE, b"", True

    def ask(self, client, item, message, now):
        """Send the GET of TS 24.546 clause C.3.1.2.2 in place of the client's request."""
        config = client.config
        path = ("su-uc", "v1", "val-services", config.service_identifier, "ue-configurations")
        options = [(numbers.URI_PATH, part.encode()) for part in path]
        values = (("uri", config.ue_id), ("vendor", config.configuration["vendor"]))
        for name, value in values + (("type", config.configuration["type"]),):
            if value is not None:
                options.append((numbers.URI_QUERY, ("ue-%s=%s" % (name, value)).encode()))
        options.append((numbers.ACCEPT, uint_octets(numbers.JSON)))
        if self.settings is not None and self.settings.etag:
            options.append((numbers.ETAG, self.settings.etag))
        if self._file_host is not None:
            # as it is to all else; a server that the configuration named might be the one that is wrong
            options += [each for each in message.options if each[0] in (numbers.URI_HOST, numbers.URI_PORT)]
        request = Message(numbers.GET, b"", options, message.type)
        return client.endpoint.request(request, client.peer, now, (self, item))

    def answered(self, item, message, now):
        self.on_air = False
        try:
            seconds = self._take(message, now)
        except BodyError as error:
            self.put_off("refused", "configuration not understood, %s" % error, None, now)
            return
        if seconds is None:
            return
        # clause 6.2.3: a gateway asks for several devices at once, and answers once more
        from ..rules.later import Later

        self._later = Later(self.client.endpoint, self.exchange, (self, item))
        self.client.registration.prepared(self.event, now)
        wait = max(min(seconds, _MAX_HELD) * 1000, self.retry.failed(now)) + _GRACE
        self.due = Countdown(wait, now)

    def notified(self, later, message, now):
        """Take the answer that a gateway gave later."""
        try:
            if self._take(message, now) is None:
                self._forget()
        except BodyError as error:
            self._forget()
            self.put_off("refused", "configuration not understood, %s" % error, None, now)
        later.accept(message, now)

    def unanswered(self, item, now, why=None, silent=True):
        self.on_air = False
        self.put_off("failed", why or "no answer from %s" % self.client.config.peer, None, now, silent)

    def unsendable(self, item, why, now):
        self.on_air = False
        self.put_off("refused", why, None, now)

    # --- what comes of it -------------------------------------------------------------------------------

    def _take(self, message, now):
        """Take an answer. Return None, or seconds that the other side wants for it. Raise BodyError."""
        verdict = policy.verdict(message.code, "CONFIG")
        max_age = message.uint(numbers.MAX_AGE)
        if verdict != policy.DONE:
            event = "refused" if verdict == policy.REFUSED else "failed"
            self.put_off(event, bodies.failure(message), max_age, now)
            return None
        settings = self._taken or self.settings
        if message.code != numbers.VALID or settings is None:
            if message.uint(numbers.CONTENT_FORMAT, numbers.JSON) != numbers.JSON:
                raise BodyError("Content-Format", "not application/json (50)")
            found = configuration.read(message.payload, self.client.config.ue_id)
            unload("msgin5g.wire.configuration_xml")
            if isinstance(found, int):
                return found
            document, ue, server, size = found
            etag = message.option(numbers.ETAG)
            etag = None if etag is None else str(binascii.hexlify(etag), "utf-8")
            settings = Settings(self.client.config.ue_id, document, etag, ue, server, size)
        max_age = lifetime(_LONGEST if max_age is None else max_age, _YEAR)
        settings.aged(self._seconds(), max_age)
        self._taken = settings
        self._doubted = True  # what came just now is not what a refusal is about
        self._apply(now)
        spread = _SPREAD * int.from_bytes(self.client.random(2), "big") // 65535
        self.done(now, max_age * 1000 + spread)
        return None

    def _apply(self, now):
        """Let what was taken take effect, unless the registration is on the air with what was before."""
        registration = self.client.registration
        if registration.busy:
            return
        config = self.client.config
        before = config.ue_service_id, config.server_host, config.server_port, config.segments["size"]
        self.settings = self._taken
        self._taken = None
        self._store()
        self._use(self.settings)
        after = config.ue_service_id, config.server_host, config.server_port, config.segments["size"]
        if before == after:
            return
        self._recut(before[0] != after[0], now)
        if not self.ready:
            return
        why = former = None
        if before[0] != after[0]:
            former = before[0]
            why = "the configuration has another UE Service ID"
        elif before[1:3] != after[1:3]:
            why = "the configuration has another server"
        registration.renew(now, why, former)

    def _use(self, settings):
        """Change the configuration to what the settings say."""
        config = self.client.config
        self._used_with = self.client.peer
        config.change("ue_service_id", settings.ue)
        size = self._limit
        if settings.size:
            size = min(size, max(settings.size, LEAST_ROOM))
        config.change("segments", dict(config.segments, size=size))
        if self._file_host is None:
            host, port = settings.host, settings.port
            if (host, port) in ((config.peer_host, config.peer_port), self.client.peer):
                host = port = None
            config.change("server_host", host)
            config.change("server_port", port)

    def _recut(self, renamed, now):
        from ..outgoing.recut import recut

        client = self.client
        recut(client, client.procedure("sender"), client.builder, renamed, now)
        unload("msgin5g.outgoing.recut")

    def _forget(self):
        if self._later is not None:
            self._later.forget()
            self._later = None

    # --- what is due ------------------------------------------------------------------------------------

    def poll(self, now):
        super().poll(now)
        registration = self.client.registration
        if registration.stopping:
            self._forget()
        if self._cut:
            self._cut = False
            self._recut(False, now)
        if self._taken is not None:
            self._apply(now)
        elif self.settings is not None and self._used_with != self.client.peer:
            # another gateway was found: it may be the server, or the server behind it
            self._use(self.settings)
            self._recut(False, now)
        state = registration.state
        if state == "registered":
            self._doubted = False
        elif self.ready and state == "refused" and not self._doubted:
            # what the device has may be what is wrong: once a refusal it asks before its time
            self._doubted = True
            self.due = Countdown(0, now)


def start(client):
    """Return the Configuration of a Client."""
    return Configuration(client)
