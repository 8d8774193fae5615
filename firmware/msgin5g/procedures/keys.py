# SPDX-License-Identifier: MIT
"""New OSCORE keys from the gateway, under the old ones (docs/wire-profile.md, "New keys"). Imported with the first such
request, and at each start until the new keys have taken the old ones' place.

Both are known meanwhile. The device asks under the new ones; the first response that verifies under them proves that
the gateway has them, and that is on flash before anything else is said under them. Only after that the gateway gives
the old ones up, since it wants its Echo back first. So whenever the power goes, both sides have keys in common.
"""

import json

import msgin5g
from coap import numbers
from coap.compat import const, json_octets, unload
from coap.message import Message

from .. import procedures
from ..rules.refusals import Refusal, later
from ..rules.requests import Source
from ..store.kept import Kept
from ..store.storage import discard
from ..timing import Countdown

_TYPING = const(False)
if _TYPING:
    from typing import Any

FILE = "keys"
_VERSION = const(1)  # of that file
_MAX_FILE = const(640)
_MAX_BODY = const(600)
_MAX_CONFIGURATION = const(16384)
# Where the configuration lies; one that is on trial must not bring the old keys back when it is confirmed.
_CONFIGURATIONS = ("slots/config.try", "msgin5g.json")
_TIME = const(600000)  # ms for the new ones to prove good in
_STARTS = const(3)  # that they have for it
_AGAIN = const(60000)  # ms until what the storage refused is tried again
# What the file says of the new ones: on trial, proved
_TRIAL = const(0)
_PROVED = const(1)
_LIVE = const("_live")  # of a Client, a Context, a Sequence
_SEQUENCE = const("_sequence")
_NAME = const("_name")
_NAMES = ("master_secret", "master_salt", "sender_id", "recipient_id", "id_context")


class Keys(Source):
    """The change of keys that is under way. It leaves when that is over."""

    registers = True

    def __init__(self, client: "Any") -> None:
        self._client = client
        self._file = Kept(client.storage, FILE, _VERSION, _MAX_FILE)
        self._old: "Any" = client.endpoint.security  # Security of the keys in the configuration
        self._new: "Any" = None  # section `security` with the new ones
        self._former = None  # the file with the old ones' sequence numbers
        self._state = _TRIAL
        self._left: "Any" = None  # Countdown to the end of the trial, or to the next try to write
        self._renews = False  # whether the registration is still to be begun under other keys
        from coap import oscore  # here, and so below: who has no such request pays for none of it

        for row in self._file.read()[:1]:
            try:
                self._resume(row)
            except (ValueError, TypeError, IndexError, oscore.StateError) as error:
                # Damaged, or of no use: the gateway sends them again
                self._tell("new keys were given up: %s" % error)
                self._file.write(())

    def _resume(self, row):
        """Go on after a start in the middle: `row` is what the file says."""
        if self._old is None:
            raise ValueError('security.mode is "none"')
        state, starts, texts, former = row[:4]
        section = _section(dict(zip(_NAMES, texts)))
        if section == self._client.config.security:  # the power went when they were in the configuration
            state = _PROVED
        else:
            if state == _TRIAL and starts <= 0:
                raise ValueError("they did not prove good in %d starts" % _STARTS)
            self._client.endpoint.security = self._both(section)
        self._new = section
        self._former = former
        self._state = state
        if state == _TRIAL:
            self._left = Countdown(_TIME)
            try:
                self._write(starts - 1)
            except OSError:
                pass  # this start is not counted

    def serve(self, message: "Any") -> Message:
        """Return the response to a request of the gateway for `/keys`. Raise Refusal, OSError: then nothing has
        changed."""
        client = self._client
        section = _read(message.payload)
        if section in (self._new, client.config.security):
            return Message(numbers.CHANGED)  # its answer was lost
        if self._state == _PROVED or client.registration.stopping:
            raise later()
        if not [1 for _, data in _configurations() if _has(data, client.config.security)]:
            raise Refusal(numbers.NOT_IMPLEMENTED, "the keys of this device are not in its msgin5g.json")
        self._try(section)
        return Message(numbers.CHANGED)

    def _try(self, section):
        """Begin a trial of these keys, in the place of others that are on trial."""
        from coap import oscore

        client = self._client
        try:
            both = self._both(section)
        except oscore.StateError as error:
            raise Refusal(numbers.BAD_REQUEST, str(error))
        before = self._new, self._former
        self._new = section
        self._former = _numbers_of(self._old.context)
        try:
            self._write(_STARTS)
        except Exception:
            self._new, self._former = before
            raise
        if before[0] is not None:
            discard(client.storage, _numbers_of(client.endpoint.security.new))
        client.endpoint.security = both
        self._left = Countdown(_TIME, client.now)
        self._renews = True

    def _both(self, section):
        from coap.oscore import Context
        from coap.oscore.changing import Changing

        context = Context(
            section["master_secret"],
            section["sender_id"],
            section["recipient_id"],
            self._client.storage,
            section["master_salt"] or b"",
            section["id_context"],
            self._client.random,
        )
        return Changing(self._old, context, self.prove)

    def _write(self, starts, state=_TRIAL):
        texts = [_text(self._new[name]) for name in _NAMES]
        self._file.write(((state, starts, texts, self._former),))

    def prove(self) -> bool:
        """Take note that the gateway has the new keys. Return whether that is on flash."""
        if self._state != _PROVED:
            try:
                self._write(0, _PROVED)
            except OSError as error:
                self._tell("the new keys cannot be kept: %s" % error)
                return False
            self._state = _PROVED
            self._left = None
        return True

    def poll(self, now: int) -> None:
        """Do what is due."""
        client = self._client
        if self._new is not None and (self._left is None or self._left.advance(now) <= 0):
            try:
                if self._state == _PROVED:
                    self._take()
                else:
                    self._give_up()
            except OSError as error:
                self._tell("the new keys cannot be kept: %s" % error)
                self._left = Countdown(_AGAIN, now)
        if self._renews and not client.registration.busy:
            self._renews = False
            client.registration.renew(now, "the keys have changed")
        if self._new is None and not self._renews:
            client.sources[procedures.place(FILE)] = None
            setattr(client, _LIVE, None)  # those that are asked are gathered anew
            for name in ("coap.oscore.changing", "coap.oscore.keyring", __name__):
                unload(name)

    def next_deadline(self, now: int) -> "int | None":
        """Return the tick of the end of the trial, None outside of one."""
        return None if self._left is None else self._left.waits(now)

    def _take(self):
        """Put the new ones in the old ones' place: first in the configuration. Each step can be done again."""
        client = self._client
        new = self._new
        for path, data in _configurations():
            if not _has(data, new):
                for name in _NAMES:
                    data["security"].pop(name, None)
                    if new[name] is not None:
                        data["security"][name] = _text(new[name])
                _root().replace(path, json_octets(data))
        discard(client.storage, self._former)
        self._file.write(())
        client.config.security.update(new)
        security = client.endpoint.security
        self._end(self._old.context if security is self._old else security.new)
        self._tell("the gateway has given this device new keys")

    def _give_up(self):
        """Keep the old ones. The new ones' sequence numbers stay, too: the same keys may come once more."""
        self._file.write(())
        self._end(self._old.context)
        self._tell("the new keys did not prove good within %d s: the old ones stay" % (_TIME // 1000))
        self._renews = True

    def _end(self, context):
        from coap.oscore import Security

        security = Security(context, 0)
        security.stats = self._old.stats
        self._client.endpoint.security = self._old = security
        self._new = self._left = None
        self._state = _TRIAL

    def _tell(self, words):
        if self._client.endpoint.security is not None:
            self._client.endpoint.security.trouble = words


def _read(payload):
    """Return the section in a request. Raise Refusal."""
    try:
        if len(payload) > _MAX_BODY:
            raise ValueError
        return _section(json.loads(str(bytes(payload), "utf-8")))
    except msgin5g.ConfigError as error:
        raise Refusal(numbers.BAD_REQUEST, str(error))
    except (ValueError, TypeError):
        raise Refusal(numbers.BAD_REQUEST, "not understood")


def _section(data):
    """Return a section `security` as Config has it. Raise ConfigError."""
    from .. import config_check

    section = config_check.keys(data)
    unload("msgin5g.config_check")
    return section


def _root():
    """Return a storage for the folder of the configuration. What else lies there is not ours: nothing is removed at the
    start."""
    from coap.oscore.files import FileStorage

    class Root(FileStorage):
        def __init__(self):
            self._folder = "."

    return Root()


def _configurations():
    """Return (path, JSON object) of each configuration in the root."""
    found = []
    root = _root()
    for path in _CONFIGURATIONS:
        try:
            data = json.loads(str(root.read(path, 0, _MAX_CONFIGURATION), "utf-8"))
            if isinstance(data["security"], dict):
                found.append((path, data))
        except (ValueError, KeyError, TypeError):
            pass  # not there, or none of ours
    return found


def _has(data, section):
    """Return whether a configuration has these keys."""
    try:
        return _section(data["security"]) == section
    except ValueError:
        return False


def _text(octets):
    return None if octets is None else "".join(["%02x" % octet for octet in octets])


def _numbers_of(context):
    """Return the name of the file with its sequence numbers."""
    return getattr(getattr(context, _SEQUENCE), _NAME)


def start(client: "Any") -> Keys:
    """Return the Keys of a Client."""
    return Keys(client)
