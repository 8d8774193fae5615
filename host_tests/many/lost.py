# SPDX-License-Identifier: MIT
"""What becomes of a message that is sent Non-confirmable when one datagram is lost, told as JSON: between the
firmware's core on an interpreter, the gateway as it is, and a second device, in virtual time.

    python -m host_tests.many.lost PROGRAM [ARGUMENT...]

The program runs core.py. In each case a message of several segments goes, then a short one.
"""

from host_tests.many import virtual

LOOP = virtual.begin()

import asyncio  # noqa: E402
import json  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402

from host_tests.many.field import FIRST, TICKS, Field, name  # noqa: E402
from tools.gateway import keys  # noqa: E402
from tools.gateway.runtime import Gateway, Options  # noqa: E402
from tools.page.events import Events  # noqa: E402
from tools.server.settings import Settings  # noqa: E402

TO, LARGE, SHORT = 1, "x" * 3000, "short"
POST = 2
NON = 1


class Loss:
    """The fate of what goes to a device and comes from it: `lost` are words with a place, counted from 0."""

    def __init__(self, lost=()):
        self._lost = list(lost)
        self._tokens = []  # of its requests that are not confirmable
        self._asked = 0  # requests of the other side

    @property
    def count(self):
        return len(self._tokens)

    def loses(self, octets, to_device):
        type, code = octets[0] >> 4 & 3, octets[1]
        token = octets[4 : 4 + (octets[0] & 15)]
        if to_device and code == POST:
            self._asked += 1
            return self._takes("SEGREC", self._asked - 1)
        if to_device:
            return token in self._tokens and self._takes("answer", self._tokens.index(token))
        if code == POST and type == NON:
            self._tokens.append(token)
            return self._takes("request", self.count - 1)
        return False

    def _takes(self, *fate):
        found = fate in self._lost
        if found:
            self._lost.remove(fate)  # once
        return found


class Lossy(Field):
    loss_of = {}  # by device

    def _loses(self, device, octets, to_device):
        loss = self.loss_of.get(device)
        return loss is not None and loss.loses(octets, to_device)


class Piped:
    """A device of a Field whose core is the program behind a pipe."""

    listens = True

    def __init__(self, field, number, config, pipe):
        self.field, self.packed, self._pipe = field, (FIRST + number).to_bytes(4, "big"), pipe
        self.ended, self.registered, self._timer = [], False, None
        self._peer = ("127.0.0.1", int(config["peer"].rpartition(":")[2]))
        self._loop = asyncio.get_running_loop()
        field.devices[self.packed] = self
        self.say("begin", {"role": "client", "ue_service_id": name(number), **config})

    def receive(self, octets, peer):
        self.say("receive", octets.hex())

    def say(self, word, *arguments):
        tick = int(self._loop.time() * 1000) % TICKS
        self._pipe.stdin.write(json.dumps([word, tick, *arguments]) + "\n")
        self._pipe.stdin.flush()
        sent, wait, ended, self.registered = json.loads(self._pipe.stdout.readline())
        self.ended += ended
        for octets in sent:
            self.field.send(self, bytes.fromhex(octets), self._peer)
        self.end()
        if wait is not None:
            self._timer = self._loop.call_later(wait / 1000, self.say, "poll")

    def end(self):
        if self._timer is not None:
            self._timer.cancel()


class Told:
    """One gateway, plain or protected, and the cases that it was in."""

    def __init__(self, security, pipe):
        self.pipe, self.security, self.count = pipe, security, TO
        self.field = Lossy(0, 1)

    async def tell(self):
        options = Options(
            Settings(open=self.security == "none"), HERE, HERE, ":memory:", security=self.security
        )
        async with Gateway(options, Events()) as gateway:
            self.gateway = gateway
            other = self.field.add(TO, peer=self._peer, security=self._keys(TO))
            found = {}
            for nstart in (1, 2) if self.security == "none" else (1,):
                clean, sent = await self.case(other, Loss(), nstart=nstart)
                found["nothing", nstart] = clean
                for what in ("request", "answer"):
                    # the first segment, one in the middle, the last; the short message
                    for place in (0, 1, sent - 2, sent - 1):
                        case = await self.case(other, Loss([(what, place)]), nstart=nstart)
                        found[what, place - sent if place > 1 else place, nstart] = case[0]
            for fates in ([("request", 1)], [("answer", 1)], [("request", 1), ("SEGREC", 0)]):
                case = await self.case(other, Loss(fates), ack_timeout=10)
                found["slow", *(word for word, _ in fates)] = case[0]
            return found

    @property
    def _peer(self):
        return "coap://127.0.0.1:%d" % self.gateway.coap_port

    def _keys(self, number):
        if self.security == "none":
            return {"mode": "none"}
        store = self.gateway.store
        section = keys.new_section(store.kids_in_use())
        with store.transaction():
            keys.add(store, name(number), keys.of_section("", section), "")
        return section

    async def case(self, other, loss, **coap):
        """([s until each came and was accepted], how many requests were Non-confirmable)."""
        self.count += 1
        config = {"peer": self._peer, "security": self._keys(self.count)}
        device = Piped(self.field, self.count, {**config, "coap": {"confirmable": "spec", **coap}}, self.pipe)
        await until(lambda: device.registered)
        self.field.loss_of[device] = loss
        took = []
        for payload in (LARGE, SHORT):
            begun, before = LOOP.time(), len(other.inbox)
            device.say("send", name(TO), payload)
            await until(lambda: len(other.inbox) > before and device.ended)  # noqa: B023
            took.append(LOOP.time() - begun)
            ended = device.ended.pop()
            assert ended == "accepted" and not device.ended, ended
        await asyncio.sleep(130)  # longer than the hold of a set
        device.end()
        came = [payload for sender, payload in other.inbox if sender == name(self.count)]
        assert came == [LARGE, SHORT], [len(each) for each in came]
        return took, loss.count


HERE = ("127.0.0.1", 0)


async def until(true):
    """Poll the condition in virtual time, which costs nothing."""
    for _ in range(4000):
        if true():
            return
        await asyncio.sleep(0.25)
    raise AssertionError("not within 1,000 s")


async def main():
    for each in ("none", "oscore"):
        with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as pipe:
            told = await Told(each, pipe).tell()
            for case, took in told.items():
                print(json.dumps([each, " ".join(map(str, case)), took]))
            pipe.stdin.close()


if __name__ == "__main__":
    LOOP.run_until_complete(main())
