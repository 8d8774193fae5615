# SPDX-License-Identifier: MIT
# heap: 256k, two devices, their peer and what was sent to it lie in it
"""What a client does where memory ends, or the storage refuses: nothing is half done, nothing is lost, nothing ends.

Each line of `firmware/msgin5g` that may allocate fails once, in turn: a line that calls, makes a list or a tuple, adds
octets or formats. That needs sys.settrace, which CPython has; on MicroPython the heap itself is locked while the n-th
datagram is taken or the n-th poll is made.
"""

import sys

import coap
import msgin5g_scene
from common import equal
from msgin5g import StorageError
from msgin5g_scene import HOUR, MINUTE, SECOND, Scene, agree, always, answering, imdn, msg, msgresp

REPORT = '"isDelivStatReq":true,'


def deep(text, count):
    return b"%s" % (text * count)


def test_brackets_without_an_end():
    """RFC 8259 section 9: a parser may limit the depth of nesting. Ours does, before it has read any of it."""
    bodies = (
        deep(b"[", 1090),
        deep(b"{", 1090),
        deep(b'{"a":', 210),
        b'{"a":"\\"[","b":' + deep(b"[", 900),
        b'["' + deep(b"\\\\", 3) + b'",' + deep(b"[", 900),
    )
    for body in bodies:
        for code in (coap.CHANGED, coap.CONTENT):
            scene = Scene(always((code, body))).start()
            equal((scene.client.registered, scene.client.registration.state), (False, "unreachable"))
            scene.answer = agree
            scene.run(3 * SECOND)
            equal(scene.client.registered, True)
        scene = Scene().start()
        reply = scene.post(body)
        equal((reply.code, bytes(reply.payload)), (coap.BAD_REQUEST, b"body: not JSON in UTF-8"))


def test_what_waits_behind_a_request_that_found_no_memory():
    """Their datagrams lie where the next one will: nothing of them is looked at later."""
    scene = Scene().start()
    client, endpoint = scene.client, scene.client.endpoint
    for number in (1, 2, 3):
        request = coap.Message(
            coap.POST, msg("m-%d" % number), coap.path_options("/msgin5g"), coap.CON, number, b"t"
        )
        endpoint.receive(coap.encode(request), msgin5g_scene.PEER, scene.tick)
    respond, left = endpoint.respond, [4]

    def starved(*arguments):
        if left[0]:
            left[0] -= 1
            raise MemoryError
        respond(*arguments)

    endpoint.respond = starved
    client.poll(scene.tick)
    client.poll(scene.tick)
    equal((left, client.event, endpoint.next_event()), ([0], None, None))
    equal([message.message_id for message in client.inbox], ["m-1"])
    equal(scene.post(msg("m-4")).code, coap.CHANGED)
    equal([scene.take().message_id, scene.take().message_id], ["m-1", "m-4"])


def test_brackets_that_mean_nothing_are_read():
    text = '"' + "[{" * 200 + '\\"' + "]}" * 100 + '\\\\"'
    scene = Scene().start()
    equal(scene.post(msg("m-1", text)).code, coap.CHANGED)
    equal(scene.take().payload, "[{" * 200 + '"' + "]}" * 100 + "\\")
    wide = '"x":[' + ",".join(["{}"] * 100) + "],"
    equal(scene.post(msg("m-2", more=wide)).code, coap.CHANGED)
    deepest = '"x":' + "[" * 31 + "]" * 31 + ","
    equal(scene.post(msg("m-3", more=deepest)).code, coap.CHANGED)


def test_a_topic_answered_with_brackets():
    scene = Scene(lambda asked: (coap.CONTENT, b"[" * 900) if asked.kind == "TOPIC" else agree(asked)).start()
    subscription = scene.client.subscribe("alerts", scene.tick)
    scene._pump()
    equal((subscription.state, subscription.cause[:21]), ("refused", "answer not understood"))
    equal(scene.send().state, "accepted")


# --- each allocation in turn -----------------------------------------------------------------------------------


def lines_that_allocate(names=None):
    """{file name: the set of its line numbers} of firmware/msgin5g, or of these files in its rooms."""
    import ast
    import os

    import msgin5g.client

    folder = os.path.dirname(msgin5g.client.__file__)
    wanting = (ast.Call, ast.List, ast.Dict, ast.ListComp, ast.DictComp, ast.BinOp, ast.JoinedStr, ast.Tuple)

    def calm(node):
        """What takes no memory: a tuple that is taken apart, and some calls."""
        if isinstance(node, (ast.Tuple, ast.List)):
            return isinstance(node.ctx, ast.Store)
        return (
            isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", None)) in _CALM
        )

    found = {}
    for name in names or [name for name in os.listdir(folder) if name.endswith(".py")]:
        path = os.path.join(folder, name)
        with open(path) as file:
            tree = ast.parse(file.read())
        lines = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.stmt) and not isinstance(
                node,
                (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Try, ast.Raise, ast.With),
            ):
                # of a compound statement only its head
                heads = [node]
                if hasattr(node, "body"):
                    heads = [getattr(node, "test", None), getattr(node, "iter", None)]
                for head in heads:
                    if head is not None and any(
                        isinstance(each, wanting) and not calm(each) for each in ast.walk(head)
                    ):
                        lines.add(node.lineno)
        for node in ast.walk(tree):
            # what stands in a handler runs where memory was missing once already: one thing fails at a time
            if isinstance(node, ast.ExceptHandler):
                lines.difference_update(range(node.lineno, node.end_lineno + 1))
        found[path] = lines
    return found


_CALM = (
    "len",
    "pop",
    "remove",
    "release",
    "_state",
    "_next_in_line",
    "_take_off",
    "_leave_queue",
    "lies",
    "clean",
    "_work",
    "free",
    "_waits",
    "ready",
    "left",
)
_GUARDS = ("_work", "_starve", "next_event", "outgoing")


class Failing:
    """Raises `error` at the n-th line that allocates, once; `count` says how many there were."""

    def __init__(self, lines, nth, error=MemoryError):
        self._lines = lines
        self._nth = nth
        self._error = error
        self.count = 0
        self.where = None

    def __enter__(self):
        sys.settrace(self._call)

    def __exit__(self, *error):
        sys.settrace(None)

    def _call(self, frame, event, argument):
        name = frame.f_code.co_filename
        lines = self._lines.get(name)
        # the guards themselves, which do nothing but call, and what is asked for without one
        guards = _GUARDS + (("receive", "poll", "start") if name.endswith("client.py") else ())
        if lines is None or frame.f_code.co_name in guards:
            return None

        def line(frame, event, argument):
            if event == "line" and frame.f_lineno in lines:
                self.count += 1
                if self.count == self._nth:
                    self.where = "%s:%d" % (frame.f_code.co_filename, frame.f_lineno)
                    raise self._error
            return line

        return line


class Story:
    """What happens to a device, and what must be true at the end of it whatever failed on the way."""

    def __init__(self, steps, **more):
        self._steps = steps
        self._more = more
        self._config = None

    def run(self, failing):
        make = msgin5g_scene.configuration  # which costs more than all the rest
        self._config = self._config or make(**self._more)
        msgin5g_scene.configuration = lambda **more: self._config
        try:
            self._run(failing)
        finally:
            msgin5g_scene.configuration = make

    def _run(self, failing):
        scene = Scene(**self._more).start()
        tale = Tale(scene)
        if hasattr(failing, "watch"):
            failing.watch(scene.client)
        for step in self._steps:
            with failing:
                step(tale)
        scene.answer = agree
        scene.run(HOUR)
        tale.check()


class Tale:
    def __init__(self, scene):
        self.scene = scene
        self.sent = []
        self.acknowledged = []  # IDs that the device said it has
        self.taken = []

    def send(self, **options):
        try:
            self.sent.append(self.scene.send(**options))
        except (MemoryError, StorageError):
            pass  # said to the application: it is not taken

    def post(self, name, body):
        reply = self.scene.post(body)
        if reply is not None and reply.code == coap.CHANGED and name:
            self.acknowledged.append(name)
        elif name:  # the sender keeps it, and comes again
            reply = self.scene.post(body)
            if reply is not None and reply.code == coap.CHANGED:
                self.acknowledged.append(name)

    def take(self):
        try:
            message = self.scene.take()
        except MemoryError:
            message = self.scene.take()  # the application asks again
        if message is not None:
            self.taken.append(message.message_id)

    def check(self):
        scene = self.scene
        equal((scene.client.registered, scene.client.on_air), (True, 0))
        equal([each for each in self.sent if each.state not in ("accepted", "delivered", "failed")], [])
        equal((scene.client.outbox.queue, scene.client.outbox.octets), ([], 0))
        for each in self.sent:
            if each.final:
                equal(scene.ended.get(each.message_id), each.state)  # who waits for it was told
        while scene.client.inbox:
            self.take()
        equal(sorted(self.taken), sorted(set(self.acknowledged)))
        scene.run(HOUR)
        receiver = scene.client._receiver  # None where no message ever came
        equal([each for each in receiver._notices] if receiver else [], [])
        waiting = [each.source and each.source.file for each in scene.client.outbox.waiting]
        equal([name for name in scene.files if name not in waiting and name[:3] != "in-"], [])
        # and after a restart nothing comes back
        again = Scene(storage=scene.storage, seed=77).start()
        equal([each.message_id for each in again.client.inbox], [])
        again.run(HOUR)
        equal(again.client.outbox.queue, [])


def each_in_turn(story, error=MemoryError, names=None):
    if sys.implementation.name == "micropython":
        locked_in_turn(story)
        return
    lines = lines_that_allocate(names)
    counting = Failing(lines, 0)
    story.run(counting)
    assert counting.count > 50, counting.count
    for nth in range(1, counting.count + 1):
        failing = Failing(lines, nth, error)
        try:
            story.run(failing)
        except Exception as wrong:
            raise AssertionError(
                "where %d of %d failed, %s: %r" % (nth, counting.count, failing.where, wrong)
            )


class Locked:
    """Locks the heap during the n-th call of receive or poll; `count` says how many there were."""

    def __init__(self, nth):
        self._nth = nth
        self.count = 0

    def watch(self, client):
        from micropython import heap_lock, heap_unlock

        take, due = client.receive, client.poll

        # no *arguments: they would take memory themselves
        def receive(datagram, peer, now):
            turn = self._turn()
            if turn:
                heap_lock()
            try:
                take(datagram, peer, now)
            finally:
                if turn:
                    heap_unlock()

        def poll(now):
            turn = self._turn()
            if turn:
                heap_lock()
            try:
                due(now)
            finally:
                if turn:
                    heap_unlock()

        client.receive, client.poll = receive, poll

    def _turn(self):
        self.count += 1
        return self.count == self._nth

    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


def locked_in_turn(story):
    counting = Locked(0)
    story.run(counting)
    assert counting.count >= 2, counting.count
    for nth in range(1, counting.count + 1):
        story.run(Locked(nth))


def test_sending_where_memory_ends():
    def report(tale):
        for outgoing in tale.sent:
            tale.post(None, imdn(outgoing.message_id))

    each_in_turn(Story((lambda tale: tale.send(), lambda tale: tale.send(report=True), report)))


def test_receiving_where_memory_ends():
    for reports in ("taken", "arrival"):
        each_in_turn(
            Story(
                (
                    lambda tale: tale.post("m-1", msg("m-1", more=REPORT)),
                    lambda tale: tale.post("m-2", msg("m-2", '"data:;base64,AAAA"')),
                    lambda tale: tale.take(),
                ),
                reports=reports,
            )
        )


def test_joining_where_memory_ends():
    """Messages that go out as one, and reports that do."""

    def busy(tale):
        tale.scene.answer = lambda asked: None
        tale.send()
        for name in ("m-1", "m-2"):
            tale.post(name, msg(name, more=REPORT))
        tale.scene.answer = agree
        tale.scene.run(MINUTE)

    def refused(tale):
        tale.scene.answer = answering((coap.BAD_REQUEST, b""), coap.CHANGED)
        two(tale)

    def two(tale):
        for _ in range(2):
            tale.send(payload="x", report=True)
        tale.scene.run(2 * SECOND)

    names = "outgoing/aggregate.py", "outgoing/together.py", "incoming/joined.py", "wire/aggregates.py"
    each_in_turn(Story((two, refused, busy), aggregation={"wait": 1}, reports="arrival"), names=names)


def test_registering_where_memory_ends():
    def forgotten(tale):
        tale.post(None, msgresp("x", '"DelSta":"failure","Cause":"not registered"'))
        tale.scene.run(SECOND)

    each_in_turn(Story((lambda tale: tale.scene.run(HOUR), forgotten)))


def test_a_heap_that_is_nearly_full():
    """What was taken waits until there is room again, whatever is missing meanwhile."""
    for free in range(30, 150, 6):
        scene = Scene(outbox={"messages": 16}).start()
        scene.MAX_ASKED = 1
        sent = []
        ballast = []
        if sys.implementation.name == "micropython":
            try:
                while True:
                    ballast.append(bytearray(32))
            except MemoryError:
                left = free
                while left:  # a slice of them would want memory itself
                    ballast.pop()
                    left -= 1
        try:
            for _ in range(16):
                sent.append(scene.send(payload="x" * 20, report=True))
            scene.run(SECOND)
        except MemoryError:
            pass  # of the message, or of the peer, who lives in the same heap
        ballast = None
        scene.run(HOUR)
        equal(scene.client.outbox.queue, [])
        equal([each.state for each in sent], ["accepted"] * len(sent))
        equal((scene.client.registered, scene.client.on_air), (True, 0))
