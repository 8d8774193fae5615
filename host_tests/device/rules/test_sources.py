# SPDX-License-Identifier: MIT
"""The contract of a source of requests (msgin5g/rules/requests.py): every procedure keeps it, a stranger's too."""

import sys

import coap
from coap.message import MessageError
from common import equal, raises
from msgin5g import procedures
from msgin5g.rules.refusals import Refusal
from msgin5g.rules.requests import Source
from msgin5g.rules.steps import Step
from msgin5g_scene import GRANTED, HOUR, MINUTE, SECOND, Scene, agree, msg

REPORT = '"isDelivStatReq":true,'


class Ping(Source):
    """A stranger's procedure: PING is answered with a PONG of our own."""

    def __init__(self, client):
        self.client = client
        self.owed = []
        self.on_air = None
        self.ends = []

    def owe(self, word, now):
        """What an application may ask for."""
        if not word:
            raise ValueError("word: empty")
        self.owed.append(word)
        return word + "!"

    def receive(self, kind, body, now):
        if body.text("word", "") == "stop":
            raise Refusal(coap.FORBIDDEN, "word: not that")
        self.owed.append(body.text("word", ""))

    def next(self, now):
        if self.on_air is not None or not self.owed:
            return None
        self.on_air = self.owed[0]
        return self.on_air, b'{"msgIden":"urn:3gpp:msgin5g","msgType":"PONG"}', True

    def answered(self, word, message, now):
        self.on_air = None
        self.owed.remove(word)
        self.ends.append((word, message.code))

    def unanswered(self, word, now, why=None, silent=True):
        self.on_air = None
        self.ends.append((word, None))


class WithPing:
    """The file and the row that make it one of ours."""

    def __enter__(self):
        class Module:
            start = staticmethod(Ping)

        self.table = procedures.TABLE
        # MicroPython lets no module be made: what stands for one is enough for an import.
        sys.modules["msgin5g.procedures.ping"] = Module
        place = procedures.place("topics")
        procedures.TABLE = self.table[:place] + ("procedures.ping - PING",) + self.table[place:]
        return self

    def __exit__(self, *error):
        procedures.TABLE = self.table
        del sys.modules["msgin5g.procedures.ping"]


def ping(word):
    return ('{"msgIden":"urn:3gpp:msgin5g","msgType":"PING","word":"%s"}' % word).encode()


def test_a_procedure_is_a_file_and_a_row():
    scene = Scene().start()
    equal(scene.post(ping("a")).code, coap.BAD_REQUEST)  # no such msgType
    with WithPing():
        scene = Scene().start()
        equal(
            scene.client.sources[procedures.place("ping")], None
        )  # its memory is only spent where it is needed
        reply = scene.post(ping("stop"))
        equal((reply.code, bytes(reply.payload)), (coap.FORBIDDEN, b"word: not that"))
        equal(scene.post(ping("a")).code, coap.CHANGED)
        equal(scene.count["PONG"], 1)
        equal(scene.client.procedure("ping").ends, [("a", coap.CHANGED)])


def test_a_type_is_a_whole_word_of_its_row():
    scene = Scene().start()
    for kind in ("", " ", "MS", "RESP", "REGRESP DEREGRESP", "always", "-", "topics", "incoming.receiver"):
        reply = scene.post(('{"msgIden":"urn:3gpp:msgin5g","msgType":"%s"}' % kind).encode())
        equal((kind, reply.code, bytes(reply.payload)), (kind, coap.BAD_REQUEST, b"msgType: unknown"))


def test_a_procedure_has_the_name_of_its_module():
    scene = Scene().start()
    for name in ("", "s", "always", "procedures.topics", "MSG"):
        raises(KeyError, scene.client.procedure, name)


def test_what_the_application_asks_for_goes_out_at_once():
    with WithPing():
        scene = Scene().start()
        equal(scene.call("ping", "owe", "a"), "a!")
        equal(scene.count["PONG"], 1)
        raises(ValueError, scene.call, "ping", "owe", "")
        raises(KeyError, scene.call, "pong", "owe", "a")


def test_a_source_waits_for_the_registration_and_for_its_turn():
    with WithPing():
        scene = Scene(lambda asked: None).start()
        scene.client.procedure("ping").owed.append("a")
        scene.post(msg(more=REPORT))
        scene.take()
        scene.send()
        scene.run(MINUTE)
        equal(scene.count.get("PONG"), None)
        scene.answer = agree
        scene.run(5 * MINUTE)
        # the order of the table: registration, reports, what stands between, messages
        equal(scene.kinds()[-4:], ["REG", "IMDN", "PONG", "MSG"])


class Preparing(Step):
    """A stranger's step before the registration: PREP, until it is answered with 2.xx."""

    event = "configure"

    def job(self, now):
        return "PREP", b'{"msgIden":"urn:3gpp:msgin5g","msgType":"PREP"}', True

    def answered(self, item, message, now):
        self.on_air = False
        if message.code == coap.CHANGED:
            self.done(now, HOUR)
        else:
            self.put_off("refused" if message.code == coap.FORBIDDEN else "failed", "not yet", None, now)

    def unanswered(self, item, now, why=None, silent=True):
        self.on_air = False
        self.put_off("failed", "silence", None, now, True)


class WithStep:
    def __enter__(self):
        class Module:
            start = staticmethod(Preparing)

        self.table = procedures.TABLE
        sys.modules["msgin5g.procedures.preparing"] = Module
        # in the place of the one that asks for the configuration
        others = [row for row in self.table if "configuration" not in row]
        procedures.TABLE = ("procedures.preparing fetches",) + tuple(others)

    def __exit__(self, *error):
        procedures.TABLE = self.table
        del sys.modules["msgin5g.procedures.preparing"]


def prepared(answer):
    return Scene(answer, ue_id="s-1", configuration={"fetch": "always"})


def state(scene):
    return scene.client.registration.state, scene.client.registration.cause


def test_a_step_is_not_there_where_it_is_not_asked_for():
    with WithStep():
        scene = Scene(ue_id="s-1").start()
        equal((scene.client.sources[0], scene.kinds()), (None, ["REG"]))


def test_a_step_holds_the_registration_until_it_is_done():
    left = [None, coap.SERVICE_UNAVAILABLE, coap.FORBIDDEN, coap.CHANGED]
    with WithStep():
        scene = prepared(lambda asked: left[0] if asked.kind == "PREP" else agree(asked)).start()
        outgoing = scene.send()
        equal((state(scene), scene.kinds()), (("configuring", None), ["PREP"]))
        scene.run(95 * SECOND)
        equal(state(scene), ("unreachable", "silence"))
        left.pop(0)
        scene.run(100 * SECOND)
        equal(state(scene), ("unreachable", "not yet"))
        left.pop(0)
        scene.run(100 * SECOND)
        equal(state(scene), ("refused", "not yet"))
        left.pop(0)
        equal(outgoing.state, "queued")
        scene.run(400 * SECOND)
        equal((state(scene), outgoing.state), (("registered", None), "accepted"))
        equal(scene.kinds()[-3:], ["PREP", "REG", "MSG"])
        # once it is done it has its own times, and holds nothing
        scene.forget()
        left[0] = coap.FORBIDDEN
        scene.run(HOUR)
        equal(("PREP" in scene.count, scene.client.registered, scene.send().state), (True, True, "accepted"))


def test_stopping_takes_a_step_off_the_air():
    with WithStep():
        scene = prepared(lambda asked: None).start()
        scene.stop()
        equal((state(scene)[0], scene.client.on_air), ("stopped", 0))
        scene.run(10 * MINUTE)
        equal(scene.kinds(), ["PREP"])
        scene.answer = agree
        scene.start()
        equal((state(scene)[0], scene.kinds()), ("registered", ["PREP", "PREP", "REG"]))


def test_a_link_that_is_back_lets_a_step_be_tried_at_once():
    with WithStep():
        scene = prepared(lambda asked: None).start()
        scene.run(10 * MINUTE)
        scene.run(95 * SECOND)
        scene.answer = agree
        scene.link_is_back()
        scene.run(95 * SECOND)
        equal(state(scene)[0], "registered")


def test_a_source_hears_that_nothing_came_back():
    with WithPing():
        scene = Scene(lambda asked: None if asked.kind == "PONG" else agree(asked)).start()
        scene.post(ping("a"))
        scene.run(100 * SECOND)
        equal(scene.client.procedure("ping").ends[0], ("a", None))


def failing(scene, error):
    """No request goes out from now on."""

    def request(message, peer, now, tag=None):
        raise error

    scene.client.endpoint.request = request


def busy(scene):
    """A message, a report and a topic wait to go out, the registration too."""
    scene.post(msg(more=REPORT))
    scene.take()
    scene.client.subscribe("alerts", scene.tick)
    scene._pump()
    return scene.send()


def test_every_source_ends_what_does_not_fit_a_datagram():
    scene = Scene(lambda asked: (coap.CHANGED, GRANTED)).start()
    failing(scene, MessageError("too long"))
    outgoing = busy(scene)
    scene.run(2 * SECOND)
    equal((outgoing.state, outgoing.cause), ("failed", "too long"))
    equal(scene.client.stats["reports_refused"], 1)
    equal(scene.client.procedure("topics").subscriptions, [])
    equal((scene.client.idle, scene.client.on_air), (True, 0))
    scene = Scene()
    failing(scene, MessageError("too long"))
    scene.start()
    equal((scene.client.registration.state, scene.client.registration.cause), ("refused", "too long"))


def test_every_source_tries_again_what_the_storage_had_no_number_for():
    scene = Scene()
    request = scene.client.endpoint.request
    failing(scene, OSError(28))
    scene.start()
    equal(scene.client.registration.state, "unreachable")
    scene.client.endpoint.request = request
    scene.run(10 * SECOND)
    equal(scene.client.registration.state, "registered")
    failing(scene, OSError(28))
    outgoing = busy(scene)
    equal((outgoing.final, scene.client.idle), (False, False))
    scene.client.endpoint.request = request
    scene.run(10 * SECOND)
    equal((outgoing.state, scene.client.idle, scene.client.stats["reported"]), ("accepted", True, 1))
    equal(scene.count["TOPIC"], 1)
