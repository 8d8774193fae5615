# SPDX-License-Identifier: MIT
"""The gateway's end of OSCORE for an emulated Pico, and the change of its keys, in the board's time."""

import json

import aiocoap
from aiocoap.message import Direction

from host_tests.conformance.raw import Keys
from tools.bench.device.pico import Pico
from tools.transport.keys.contexts import fields_of
from tools.wire import bodies

OLD, NEW = (
    {
        "mode": "oscore",
        "master_secret": secret * 16,
        "master_salt": "22" * 8,
        "sender_id": one,
        "recipient_id": other,
    }
    for secret, one, other in (("00", "01", "02"), ("11", "03", "04"))
)
_ECHO = b"has kept"


class GuardedPico(Pico):
    """A Pico on whose line all is protected with the keys OLD, from `rekey` on also with NEW, as docs/wire-profile.md
    has it ("New keys"). `_answer_to` sees what is within."""

    _answer_to = Pico._take

    def __init__(self, image, flash):
        self._keys = [_end(OLD)]
        self._bound = {}  # message ID of a request to the board: what its response is bound to
        self._given = {}  # what came: the answer to it
        self._echo = None  # for the next request to the board
        super().__init__(image, flash)

    def post(self, body, ms=60_000):
        return self._asked_twice("msgin5g", bodies.encode(body), ms)

    def rekey(self, ms=60_000):
        """Brings the board its new keys; the code of its answer. It is to come with them by itself."""
        self._keys.append(_end(NEW))
        return self._asked_twice("keys", json.dumps(NEW).encode(), ms).code

    def _asked_twice(self, path, payload, ms):
        answer = self.answer(self._begin(path, payload), ms)
        if answer.code != aiocoap.UNAUTHORIZED:
            return answer
        self._echo = answer.opt.echo  # it has started anew, and knows no number of ours
        return self.answer(self._begin(path, payload), ms)

    @property
    def rekeyed(self):
        """Whether the board has new keys, and has shown that it keeps them."""
        return self._keys[0].recipient_id == bytes.fromhex(NEW["sender_id"])

    def _sealed(self, message):
        message.opt.echo, self._echo = self._echo, None
        outer, self._bound[self._mid] = _protected(self._keys[0], message)
        return outer

    def _take(self, message):
        if not message.code.is_request():
            if message.opt.oscore is None:
                return super()._take(message)
            plain, _ = self._keys[0].unprotect(message, self._bound[message.mid])
            plain.mid = message.mid
            return super()._take(plain)
        if message.payload not in self._given:
            kid = fields_of(message.opt.oscore)[0]
            keys = next(each for each in self._keys if each.recipient_id == kid)
            plain, bound = keys.unprotect(message)
            plain.mtype, plain.mid, plain.token = message.mtype, message.mid, message.token
            if keys is not self._keys[0] and plain.opt.echo != _ECHO:
                answer = aiocoap.Message(code=aiocoap.UNAUTHORIZED, echo=_ECHO)
            else:
                del self._keys[: self._keys.index(keys)]
                answer = self._answer_to(plain)
            self._given[message.payload], _ = _protected(keys, answer, bound)
        answer = self._given[message.payload]
        answer.mtype, answer.mid, answer.token = aiocoap.ACK, message.mid, message.token
        return answer


def _end(section):
    """The gateway's end of a section `security` of the board; the numbers begin with 0, so that each run is the
    same."""
    ours = {"sender_id": section["recipient_id"], "recipient_id": section["sender_id"]}
    keys = Keys(section | ours)
    keys.sender_sequence_number = 0
    return keys


def _protected(keys, message, bound=None):
    message.direction = Direction.OUTGOING
    return keys.protect(message, bound)
