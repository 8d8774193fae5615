# SPDX-License-Identifier: MIT
"""OSCORE in asyncio (`coap.aio`) with libcoap at the other end: as client and as server, protected and plain, and RFC
8613 appendix B.2 step by step, of which libcoap has the other half.
"""

import asyncio
import contextlib
import subprocess
import tempfile
from pathlib import Path

import coap
from coap.aio import Context as Network
from coap.aio import Site
from coap.oscore import Context, Keyring, MemoryStorage, RenewableContext, Security
from tools.programs.patience import finish

from ..on_udp import HOST, PATIENCE_S, free_port, run

SECRET = b"sixteen octets.."
OTHER = b"another secret.."
ROOT = b"This is a test server made with libcoap"


def settings(folder, sender, recipient, secret=SECRET, renews=False):
    """libcoap's file of a key."""
    file = folder / f"{sender.hex()}-{recipient.hex()}.conf"
    file.write_text(
        f'master_secret,hex,"{secret.hex()}"\nsender_id,hex,"{sender.hex()}"\nrecipient_id,hex,"{recipient.hex()}"\n'
        + ("rfc8613_b_2,bool,true\n" if renews else "")
    )
    return str(file)


@contextlib.asynccontextmanager
async def libcoap(program, file):
    """libcoap's server, ready; gives its URI, and a list that has what it logged at the end."""
    port = free_port()
    log = []
    with tempfile.TemporaryFile() as output:
        command = [program, "-A", HOST, "-p", str(port), "-v", "8", "-E", file]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            async with Network() as network:
                await network.ping(f"coap://{HOST}:{port}", timeout=PATIENCE_S)
            yield f"coap://{HOST}:{port}", log
        finally:
            process.kill()
            process.wait()
            output.seek(0)
            log.extend(output.read().decode(errors="replace").splitlines())


def steps(log):
    """What libcoap says of appendix B.2."""
    return [line.partition("Appendix B.2 ")[2] for line in log if "Appendix B.2" in line]


def test_our_client(oscore_server, tmp_path):
    async def talk():
        async with libcoap(oscore_server, settings(tmp_path, b"", b"\x01")) as (uri, _):
            key = Context(SECRET, b"\x01", b"", MemoryStorage())
            async with Network(security=Security(key)) as network:
                answer = await network.get(uri + "/")
                assert bytes(answer.payload).startswith(ROOT)
                assert (await network.put(uri + "/example_data", b"new")).ok
                assert bytes((await network.get(uri + "/example_data")).payload) == b"new"
                assert (await network.get(uri + "/nothing")).code == coap.NOT_FOUND
            # Protected and plain by one ring; on two sockets, since libcoap has one of both in a session
            for path, start in (("/example_data", b"new"), ("/", ROOT)):
                ring = Keyring(
                    [key], lambda message, peer: key if message.path != "/" else None, plain=("/",)
                )
                async with Network(security=ring) as network:
                    assert bytes((await network.get(uri + path)).payload).startswith(start)

    run(talk())


def test_our_client_has_its_key_made_anew(oscore_server, tmp_path):
    log = []

    async def ask(uri, storage):
        """On a socket of its own: libcoap has one run a session."""
        key = RenewableContext(SECRET, b"\x01", b"", storage)
        async with Network(security=Security(key)) as network:
            for _ in range(2):
                assert bytes((await network.get(uri + "/")).payload).startswith(ROOT)
        return key.id_context

    async def talk():
        async with libcoap(oscore_server, settings(tmp_path, b"", b"\x01", renews=True)) as (uri, said):
            storage = MemoryStorage()
            first = await ask(uri, storage)
            assert await ask(uri, storage) == first  # a restart that lost nothing
            assert await ask(uri, MemoryStorage()) != first  # and one that lost all
        log.extend(said)

    run(talk())
    one = ["server step 2 (ID1)", "server step 2 (R2 || ID1)", "server step 2 plain response"]
    assert [step for step in steps(log) if step in one] == 2 * one
    assert steps(log).count("server step 4 (R2 || R3)") >= 2


class Served:
    """Our server: who asked, by which key."""

    def __init__(self):
        self.site = Site()
        self.bodies = []

        @self.site.get("/hello")
        def hello(request):
            return "hello"

        @self.site.put("/body")
        async def body(request):
            self.bodies.append(bytes(request.payload))
            return coap.CHANGED


async def asked(program, uri, *options):
    """What libcoap's client receives, and what it logs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "received"
        command = [program, "-v", "8", "-B", "5", "-o", str(file), *options, uri]
        done = await asyncio.to_thread(finish, command, PATIENCE_S, capture_output=True, text=True)
        received = file.read_text() if file.exists() else ""
    return received, (done.stdout + done.stderr).splitlines()


def test_our_server(oscore_client, tmp_path):
    served = Served()
    body = bytes(range(256)) * 12

    async def talk():
        keys = [
            Context(SECRET, b"", b"\x01", MemoryStorage()),
            Context(OTHER, b"", b"\x02", MemoryStorage()),
        ]
        port = free_port()
        ring = Keyring(keys, plain=("/hello",))
        async with Network(site=served.site, host=HOST, port=port, security=ring):
            uri = f"coap://{HOST}:{port}"
            for sender, secret in ((b"\x01", SECRET), (b"\x02", OTHER)):
                file = settings(tmp_path, sender, b"", secret)
                assert (await asked(oscore_client, uri + "/hello", "-E", file))[0] == "hello"
                data = tmp_path / "body"
                data.write_bytes(body)
                # from the number behind those of the first request on, as libcoap would keep them
                numbers = tmp_path / f"numbers{sender.hex()}"
                numbers.write_text("100\n")
                put = ["-m", "put", "-b", "256", "-f", str(data), "-E", f"{file},{numbers}"]
                await asked(oscore_client, uri + "/body", *put)
            numbers.write_text("200\n")
            wrong = settings(tmp_path, b"\x01", b"", OTHER) + f",{numbers}"
            assert (await asked(oscore_client, uri + "/hello", "-E", wrong))[0] != "hello"
            # in the clear what may be, and nothing else
            assert (await asked(oscore_client, uri + "/hello"))[0] == "hello"
            assert "4.01" in "".join((await asked(oscore_client, uri + "/body", "-m", "put", "-e", "x"))[1])
        assert ring.stats["unverified"] and ring.stats["unprotected"]

    run(talk())
    assert served.bodies == [body, body]


def test_our_server_makes_its_key_anew(oscore_client, tmp_path):
    served = Served()
    file = settings(tmp_path, b"\x01", b"", renews=True)

    async def talk():
        key = RenewableContext(SECRET, b"", b"\x01", MemoryStorage())
        port = free_port()
        async with Network(site=served.site, host=HOST, port=port, security=Security(key)):
            for _ in range(2):  # each start of libcoap's client has lost all
                received, log = await asked(oscore_client, f"coap://{HOST}:{port}/hello", "-E", file)
                assert received == "hello", log
                assert steps(log) == [
                    "client step 1 (Generated ID1)",
                    "client step 3 (R2 || ID1)",
                    "client step 3 (R2 || R3)",
                    "retransmit pdu",
                    "client step 5 (R2 || R3)",
                    "client finished",
                ]

    run(talk())
