# SPDX-License-Identifier: MIT
"""UDP: real sockets on the loopback interface where there are any, and the traps of the ports one by one."""

import asyncio

import coap
from aio_scene import ended
from common import Skip, equal, raises

try:
    import socket
except ImportError:
    socket = None

FIRST = 42000  # a port; where it is taken, one of the next
LOCAL = {False: "127.0.0.1", True: "::1"}


class Site:
    def __init__(self):
        self.peers = []

    def prepare(self, endpoint):
        pass

    async def handle(self, context, incoming, message):
        self.peers.append(incoming.peer)
        context.respond(incoming, coap.Message(coap.CONTENT, message.path.encode()))


def modules():
    """(Context, udp, names), which a board without a network has no use for."""
    if socket is None:
        raise Skip("this board has no sockets")
    from coap.aio import Context, names, udp

    return Context, udp, names


async def served(act, host=None):
    """Run `act(server, port)` with a server at a port that was free, in the other family too where `act` wants that."""
    Context = modules()[0]
    for port in range(FIRST, FIRST + 500):
        server = Context(host=host, port=port, site=Site())
        try:
            await server.__aenter__()
            try:
                return await act(server, port)
            finally:
                await server.__aexit__(None, None, None)
        except OSError as error:
            if error.errno != 98:  # EADDRINUSE
                raise
    raise OSError("no port is free")


def run(act, host=None):
    modules()

    async def main():
        try:
            await asyncio.wait_for(served(act, host), 60)
        except OSError as error:
            if host is not None and ":" in host and error.errno in (97, 99):
                raise Skip("this machine has no IPv6")
            raise

    asyncio.run(main())


def test_requests_by_ipv4_and_by_name():
    async def act(server, port):
        async with modules()[0]() as context:
            for host in ("127.0.0.1", "localhost"):
                answer = await context.get("coap://%s:%d/a" % (host, port))
                equal((answer.text, answer.peer), ("/a", ("127.0.0.1", port)))
            equal((await context.get(("127.0.0.1", port))).text, "/")
            equal((context._sockets[1], len(set(server.site.peers)), len(server.site.peers)), (None, 1, 3))
            equal(server.site.peers[0][0], "127.0.0.1")

    run(act)


def test_requests_by_ipv6_open_a_socket_for_it():
    async def act(server, port):
        async with modules()[0]() as context:
            answer = await context.get("coap://[::1]:%d/a" % port)
            equal((answer.text, answer.peer), ("/a", ("::1", port)))
            equal([each is None for each in context._sockets], [False, False])
            for host in ("0:0:0:0:0:0:0:1", "0::0001", "::0.0.0.1"):  # the same one (RFC 4291 section 2.2)
                equal((await context.get("coap://[%s]:%d/b" % (host, port))).peer, ("::1", port))
            equal((await context.get(("0::1", port))).peer, ("::1", port))

    run(act, "::1")


def test_both_families_may_have_the_same_port():
    async def act(server, port):
        async with modules()[0](host="127.0.0.1", port=port, site=Site()), modules()[0]() as context:
            for host in ("[::1]", "127.0.0.1"):
                equal((await context.get("coap://%s:%d/a" % (host, port))).text, "/a")

    run(act, "::")


def test_what_is_wrong_with_a_group_is_named():
    modules()
    from coap.aio.multicast import join

    for group, host, named in (
        ("224.0.1.187", "localhost", "host: 'localhost'"),
        ("192.0.2.1", None, "groups: '192.0.2.1'"),
        ("2001:db8::1", None, "groups: '2001:db8::1'"),
    ):
        assert named in str(raises(ValueError, join, None, group, host, 5683))


def test_a_port_that_is_taken_is_told_at_once():
    async def act(server, port):
        second = modules()[0](port=port)
        error = await ended(second.__aenter__())
        equal((isinstance(error, OSError), error.errno), (True, 98))
        assert str(port) in str(error), error
        equal((second._open, second._tasks, second._sockets), (False, [], [None, None]))

    run(act)


def test_a_burst_is_drained():
    """One moment in which it is readable may stand for many datagrams."""

    async def act(server, port):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        target = socket.getaddrinfo("127.0.0.1", port)[0][-1]
        for mid in range(50):
            sock.sendto(b"\x70\x00\x00" + bytes((mid,)), target)  # Resets that belong to nothing
        while server.endpoint.stats["received"] < 50:
            await asyncio.sleep(0.001)
        equal(server.endpoint.stats["unmatched"], 50)
        sock.close()

    run(act)


def test_many_peers_are_answered_and_few_are_kept():
    async def act(server, port):
        contexts = [modules()[0]() for _ in range(12)]
        for context in contexts:
            await context.__aenter__()
        for _ in range(2):
            for context in contexts:
                equal((await context.get("coap://127.0.0.1:%d/a" % port)).text, "/a")
        for context in contexts:
            await context.__aexit__(None, None, None)
        equal((len(server.site.peers), len(set(server.site.peers))), (24, 12))
        equal(len(server._sockets[0]._known) <= 8, True)

    run(act)


class Fake:
    """A socket whose calls do what `script` says, one after the other."""

    def __init__(self, *script):
        self.script = list(script)
        self.calls = []

    def _next(self, *call):
        self.calls.append(call)
        result = self.script.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    def recvfrom(self, size):
        return self._next("recvfrom", size)

    def sendto(self, octets, sockaddr):
        return self._next("sendto", octets)


def faked(*script):
    made = modules()[1].UDPLink(100)
    made.source = Fake(*script)
    return made


PEER = ("192.0.2.1", 5683)


def test_waiting_for_what_comes():
    """EAGAIN waits at once, another error a while; then it is read again before anything else."""
    udp = modules()[1]
    waits = []

    async def readable(sock):
        waits.append("readable")

    async def sleep_ms(ms):
        waits.append(ms)

    real = udp.readable, udp.sleep_ms
    udp.readable, udp.sleep_ms = readable, sleep_ms
    try:
        made = faked(OSError(11, "again"), OSError(113, "no route"), (b"it", PEER))
        equal(asyncio.run(made.receive()), (b"it", PEER))
        equal((waits, made.dropped), (["readable", 100, "readable"], 0))
        equal(made.source.calls, [("recvfrom", 101)] * 3)
    finally:
        udp.readable, udp.sleep_ms = real


def test_a_datagram_without_memory_is_taken_away():
    made = faked(MemoryError(), (b"i", PEER), (b"next", PEER))
    equal(type(asyncio.run(ended_by_memory(made))), MemoryError)
    equal((made.source.calls, made.dropped), ([("recvfrom", 101), ("recvfrom", 1)], 1))
    equal(asyncio.run(made.receive()), (b"next", PEER))


async def ended_by_memory(made):
    try:
        await made.receive()
    except MemoryError as error:
        return error


def test_a_full_socket_means_later():
    made = faked(OSError(11, "again"), OSError(12, "no memory"), 2, OSError(101, "unreachable"))
    equal([made.send(b"it", PEER) for _ in range(3)], [False, False, True])
    equal(raises(OSError, made.send, b"it", PEER).errno, 101)


def test_addresses():
    udp = modules()[1]
    for sockaddr, peer in (
        (("192.0.2.1", 5683), ("192.0.2.1", 5683)),
        (("2001:db8::1", 5683, 0, 0), ("2001:db8::1", 5683)),
        (("fe80::1", 5683, 0, 3), ("fe80::1%3", 5683)),
        (("fe80::1%eth0", 5683, 0, 3), ("fe80::1%eth0", 5683)),
        (socket.getaddrinfo("192.0.2.1", 5683)[0][-1], ("192.0.2.1", 5683)),
    ):
        equal(udp.peer_of(sockaddr), peer)


def test_an_address_of_a_link_says_which():
    udp = modules()[1]
    found = socket.getaddrinfo("fe80::1%1", 5683, 0, socket.SOCK_DGRAM)[0][-1]  # the first: loopback
    host, port = udp.peer_of(found)
    equal((host in ("fe80::1%1", "fe80::1%lo"), port), (True, 5683))


def test_one_request_is_not_for_a_group():
    """RFC 7252 section 8.1: a request by multicast is non-confirmable, and the answers come from others."""

    async def act():
        async with modules()[0]() as context:
            for host in ("224.0.1.187", "239.255.255.255", "[ff02::fd]", "[FF05:0::fd]"):
                for call in (context.get, context.ping):
                    error = await ended(call("coap://%s/" % host, timeout=1))
                    equal((type(error), "multicast" in str(error)), (ValueError, True))
            equal((context.endpoint.stats["sent"], context.endpoint._exchanges), (0, []))

    modules()
    asyncio.run(act())


class Socket:
    """In the place of a UDPLink."""

    def __init__(self, takes):
        self.takes = takes
        self.sent = 0

    def send(self, octets, address):
        self.sent += self.takes
        return self.takes

    def close(self):
        pass


def test_a_socket_that_takes_nothing_does_not_stop_the_other_one():
    modules()
    from coap.aio import context as module

    async def act():
        async with modules()[0]() as opened:
            opened._sockets[0].close()
            opened._sockets[:] = [Socket(False), Socket(True)]
            for peer in (("192.0.2.1", 5683), ("2001:db8::1", 5683)):
                opened.endpoint.request(coap.Message(coap.GET), peer, tick[0])
            for later, sent, lost in ((0, 0, 0), (999, 0, 0), (1000, 1, 1)):
                tick[0] = start + later
                opened.flush()
                equal((opened._sockets[1].sent, opened.stats["unsent"]), (sent, lost))

    start = module.now()
    tick = [start]
    real, module.now = module.now, lambda: tick[0]
    try:
        asyncio.run(act())
    finally:
        module.now = real


def test_names_are_kept_for_a_minute():
    names = modules()[2]
    asked, tick = [], [0]

    async def look_up(host, ipv6):
        asked.append((host, ipv6))
        if host == "no":
            raise OSError(-2, "not known")
        return "::1" if ipv6 else "127.0.0.1"

    real = names._look_up, names.now
    names._look_up, names.now = look_up, lambda: tick[0]

    async def act():
        known = names.Names()
        for _ in range(3):
            equal(await known.address("a", False), "127.0.0.1")
            equal(await known.address("a", True), "::1")
        equal(asked, [("a", False), ("a", True)])
        tick[0] = 59999
        await known.address("a", False)
        equal(len(asked), 2)
        tick[0] = 60000
        await known.address("a", False)
        equal(asked[2:], [("a", False)])
        for _ in range(2):
            error = await ended(known.address("no", False))  # not kept
            equal((type(error), error.args[0], "'no'" in str(error)), (OSError, -2, True))
        equal(asked[3:], [("no", False)] * 2)
        for number in range(20):
            await known.address("h%d" % number, False)
        equal(len(known._known), 8)

    try:
        asyncio.run(act())
    finally:
        names._look_up, names.now = real


def test_a_name_is_not_kept_for_days():
    """Ticks wrap after 6.2 days, and half of that looks like the future."""
    names = modules()[2]
    asked, tick = [], [0]

    async def look_up(host, ipv6):
        asked.append(tick[0])
        return "127.0.0.1"

    async def act():
        known = names.Names()
        for days in range(10):
            tick[0] = days * 86400000 & (1 << 29) - 1
            await known.address("a", False)
        equal(len(asked), 10)

    real = names._look_up, names.now
    names._look_up, names.now = look_up, lambda: tick[0]
    try:
        asyncio.run(act())
        del asked[:]
        for days in range(2, 6):  # without any question in between
            del asked[:]
            known = names.Names()
            for tick[0] in (0, days * 86400000):
                asyncio.run(known.address("a", False))
            equal(len(asked), 2)
    finally:
        names._look_up, names.now = real


def test_a_peer_that_is_silent_for_days_is_looked_up():
    """After three minutes without an answer, and after days in which nothing was asked just so."""
    udp = modules()[1]
    tick, looked = [0], []
    real, udp.now = udp.now, lambda: tick[0]
    try:
        for later in (180001, 86400000, 4 * 86400000, 6 * 86400000):
            made = faked(*[2] * 3)
            made.use(("127.0.0.1", 5683))
            made._look_up = lambda: looked.append(tick[0])
            for tick[0] in (0, 1000, later):
                made.send(b"\x40\x01\x00\x01", ("127.0.0.1", 5683))
            equal(looked, [later])
            del looked[:]
    finally:
        udp.now = real


def test_a_socket_that_nobody_could_read_is_none():
    """There was memory for the socket, and none for the task that reads it: it is opened at the next call."""

    async def act(server, port):
        async with modules()[0]() as context:
            context.end(context._tasks[0])
            context._sockets[0].close()
            context._sockets[0] = None

            def begin(coroutine):
                coroutine.close()
                raise MemoryError

            context.begin = begin
            uri = "coap://127.0.0.1:%d/a" % port
            equal((type(await ended(context.get(uri))), context._sockets), (MemoryError, [None, None]))
            del context.begin
            equal((await context.get(uri, timeout=20)).text, "/a")

    run(act)


def test_an_address_of_ipv4_in_ipv6_is_that_of_ipv4():
    """RFC 4291 section 2.5.5.2. A socket for IPv6 alone does not reach it."""

    async def act(server, port):
        async with modules()[0]() as context:
            for host in ("::ffff:127.0.0.1", "::FFFF:7f00:1"):
                answer = await context.get("coap://[%s]:%d/a" % (host, port), timeout=20)
                equal((answer.text, answer.peer), ("/a", ("127.0.0.1", port)))
            equal(context._sockets[1], None)

    run(act)


def test_the_family_of_a_name():
    names = modules()[2]
    four = (socket.AF_INET, 0, 0, "", ("192.0.2.1", 0))
    six = (socket.AF_INET6, 0, 0, "", ("2001:db8::1", 0, 0, 0))
    for found, ipv6, expected in (
        ([six, four], False, "192.0.2.1"),
        ([six, four], True, "2001:db8::1"),
        ([four, six], True, "2001:db8::1"),
        ([four], True, "192.0.2.1"),
        ([six], False, "2001:db8::1"),
    ):
        equal(names.chosen(found, ipv6), expected)
    raises(OSError, names.chosen, [], False)


def test_what_is_no_peer_is_said():
    async def act():
        async with modules()[0]() as context:
            for peer in (5, ("127.0.0.1",), (b"127.0.0.1", 5683), ("localhost", 5683), None) + tuple(
                [("127.0.0.1", port) for port in (0, -1, 65536, "5683", 5683.0)]
            ):
                error = await ended(context.get(peer, timeout=1))
                equal((type(error), "URI" in str(error)), (ValueError, True))
            equal(context.endpoint._exchanges, [])

    modules()
    asyncio.run(act())
