# SPDX-License-Identifier: MIT
"""What `msgin5g server --print-nginx` prints, in an NGINX, with devices and Application Servers before it and two
servers behind it, each with a store of its own: which of them one comes to is plain to see.
"""

import asyncio
import contextlib
import datetime
import io
import json
import signal
import ssl

import aiocoap
import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from host_tests.gateway.scripted import ApplicationServer, Ue, run
from tools import cli
from tools.demo.processes import Gateway
from tools.programs.patience import patience
from tools.programs.ports import free_port
from tools.store.store import Store

DEVICES = 16
QUICK = ("--open", "--admin", "--coap-ack-timeout", "0.5", "--retry-min", "0.1", "--retry-max", "0.3")


class Front:
    """NGINX before two servers. A test's devices and Application Servers take it for a gateway."""

    def __init__(self, folder, nginx, *options, tls=()):
        self.coap_port, self.http_port = free_port(), free_port()
        self.nodes = []
        for name in ("one", "two"):
            (folder / name).mkdir()
            self.nodes.append(Gateway(folder / name, *QUICK, *options, name="server"))
        self._start, self._folder, self._tls = nginx, folder, tls

    async def __aenter__(self):
        async with contextlib.AsyncExitStack() as stack:
            for node in self.nodes:
                await stack.enter_async_context(node)
            self.nginx = self._start(printed(self, *self._tls))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exception):
        await self._stack.aclose()

    def node_of(self, ue):
        """The node that has heard this UE register last."""
        (node,) = [node for node in self.nodes if node.count("registered", ue=ue)]
        return node


def printed(front, *options):
    """A function of NGINX's folder, which gives the configuration as the command prints it."""
    nodes = [f"--node-at=127.0.0.1:{n.coap[1]},127.0.0.1:{n.http[1]}" for n in front.nodes]
    listen = [f"--coap=127.0.0.1:{front.coap_port}", f"--http=127.0.0.1:{front.http_port}"]

    def configuration(folder):
        return output("server", "--print-nginx", *listen, *nodes, f"--nginx-folder={folder}", *options)

    return configuration


def output(*words):
    """What a command prints."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        assert cli.main(list(words)) == 0
    return told.getvalue()


@contextlib.asynccontextmanager
async def devices(front, count=DEVICES):
    """So many, each with a port of its own, registered."""
    async with contextlib.AsyncExitStack() as stack:
        ues = [await stack.enter_async_context(Ue(front, f"ue:{number}")) for number in range(count)]
        for ue in ues:
            await ue.register()
        yield ues


async def lost_before_heard(ue):
    """Registers again, datagram by datagram; how many of them nobody answered."""
    uri, body = f"coap://127.0.0.1:{ue.gateway.coap_port}/msgin5g", json.dumps(ue.own("REG")).encode()
    for lost in range(6):
        message = aiocoap.Message(
            code=aiocoap.POST, uri=uri, payload=body, transport_tuning=aiocoap.Unreliable
        )
        message.opt.content_format = 50
        try:
            async with patience(2):
                answer = await ue._context.request(message).response
        except TimeoutError:
            continue
        assert answer.code == aiocoap.CHANGED
        return lost
    raise AssertionError(f"{ue.name} is not heard any more")


async def push(node, ue, text):
    """Has a server send something to a device that it knows."""
    body = {"msgIden": "urn:3gpp:msgin5g", "msgType": "MSG", "payload": text}
    uri = "http://%s:%d/admin/push" % node.http
    async with aiohttp.ClientSession() as http:
        async with http.post(uri, json={"to": ue.name, "body": body}) as answer:
            assert answer.status == 202, await answer.text()


def test_each_device_keeps_its_node_and_both_have_some(tmp_path, nginx):
    async def main():
        async with Front(tmp_path, nginx) as front, devices(front) as ues:
            assert "test is successful" in front.nginx.check()
            for _ in range(2):
                for ue in ues:
                    await ue.register()
            counts = [[node.count("registered", ue=ue.name) for node in front.nodes] for ue in ues]
            assert all(sorted(each) == [0, 3] for each in counts)
            assert {tuple(each) for each in counts} == {(0, 3), (3, 0)}

    run(main())


def test_what_a_server_sends_comes_by_the_way_that_the_device_took(tmp_path, nginx):
    """Longer after its word than NGINX would wait for an answer, and more than one."""

    async def main():
        async with Front(tmp_path, nginx) as front, devices(front, 4) as ues:
            await asyncio.sleep(2)
            for number in range(3):
                for ue in ues:
                    await push(front.node_of(ue.name), ue, f"{number} for {ue.name}")
                for ue in ues:
                    assert (await ue.next("MSG"))["payload"] == f"{number} for {ue.name}"

    run(main())


def test_devices_of_a_node_that_is_killed_are_heard_by_the_other(tmp_path, nginx):
    async def main():
        async with Front(tmp_path, nginx) as front, devices(front) as ues:
            dead, alive = front.nodes
            stays = [ue for ue in ues if front.node_of(ue.name) is alive]
            moves = [ue for ue in ues if ue not in stays]
            await dead.end(signal.SIGKILL)
            lost = await asyncio.gather(*map(lost_before_heard, ues))
            assert all(lost[ues.index(ue)] == 0 for ue in stays)
            # The first one tells NGINX so, and its session ends with the third one only.
            assert all(0 < lost[ues.index(ue)] <= 3 for ue in moves)
            assert all(alive.count("registered", ue=ue.name) == 1 for ue in moves)
            assert all(alive.count("registered", ue=ue.name) == 2 for ue in stays)
            await push(alive, moves[0], "here I am")
            assert (await moves[0].next("MSG"))["payload"] == "here I am"

    run(main())


def test_after_a_restart_of_nginx_a_device_is_reached_from_its_next_word_on(tmp_path, nginx):
    async def main():
        async with Front(tmp_path, nginx) as front, devices(front, 4) as ues:
            before = [front.node_of(ue.name) for ue in ues]
            front.nginx.kill()
            front.nginx.start()
            for ue in ues:
                await ue.register()
            assert [front.node_of(ue.name) for ue in ues] == before
            for ue in ues:
                await push(front.node_of(ue.name), ue, "again")
                assert (await ue.next("MSG"))["payload"] == "again"

    run(main())


def test_a_configuration_that_is_read_again_cuts_nobody_off(tmp_path, nginx):
    async def main():
        async with Front(tmp_path, nginx) as front, devices(front, 4) as ues:
            front.nginx.reload()
            for ue in ues:
                await ue.register()
                await push(front.node_of(ue.name), ue, "again")
                assert (await ue.next("MSG"))["payload"] == "again"

    run(main())


def test_an_application_server_keeps_its_node_until_that_is_gone(tmp_path, nginx):
    """By its token: all of them have one address."""

    async def main():
        async with Front(tmp_path, nginx) as front:
            names = [f"as:{number}@example.org" for number in range(8)]
            tokens = {}
            for node in front.nodes:
                store = Store(str(node.folder / "gateway.db"), serving=False)
                with store.transaction():
                    for name in names:
                        tokens[name, node], _ = store.add_token(name)
                store.close()

            async with contextlib.AsyncExitStack() as stack:
                asked = {}
                for name in names:
                    server = await stack.enter_async_context(ApplicationServer(front, name))
                    # A token is of one store here: with the other's it is refused, each time.
                    token = tokens[name, front.nodes[0]]
                    asked[name] = [await code(server, name, token) for _ in range(3)]
                assert {tuple(codes) for codes in asked.values()} == {(201,) * 3, (401,) * 3}
                moved = next(name for name, codes in asked.items() if codes[0] == 401)
                await front.nodes[1].end(signal.SIGKILL)
                server = await stack.enter_async_context(ApplicationServer(front, moved))
                assert await code(server, moved, tokens[moved, front.nodes[0]]) == 201

    run(main())


async def code(server, name, token):
    body = {"asSvcId": name, "targetUri": server.target}
    headers = {"Authorization": f"Bearer {token}"}
    return (await server.call("/msgs-asregistration/v1/registrations", body, headers=headers))[0]


def test_the_page_is_told_what_happens_as_it_happens(tmp_path, nginx):
    async def main():
        async with Front(tmp_path, nginx) as front, aiohttp.ClientSession() as http:
            async with http.get(f"http://127.0.0.1:{front.http_port}/live") as stream:
                assert stream.status == 200
                async with devices(front):
                    heard = b""
                    while b"ue:" not in heard:
                        heard += await asyncio.wait_for(stream.content.readany(), 20)

    run(main())


def certificate(folder):
    """Paths of a certificate for 127.0.0.1, signed by itself, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "cert.pem", folder / "key.pem"


def test_with_tls_what_is_said_of_a_place_is_said_with_tls(tmp_path, nginx):
    async def main():
        pem, key = certificate(tmp_path)
        async with Front(tmp_path, nginx, tls=(f"--nginx-tls={pem},{key}",)) as front:
            trusted = ssl.create_default_context(cafile=pem)
            async with aiohttp.ClientSession() as http:
                uri = f"https://localhost:{front.http_port}/msgs-asregistration/v1/registrations"
                body = {"asSvcId": "as:a@example.org", "targetUri": "http://127.0.0.1:9/"}
                async with http.post(uri, json=body, ssl=trusted) as answer:
                    assert answer.status == 201
                    assert answer.headers["Location"].startswith(uri + "/")
                    async with http.delete(answer.headers["Location"], ssl=trusted) as gone:
                        assert gone.status == 204

    run(main())


# ---- the command

BASE = ("server", "--print-nginx", "--coap", "0.0.0.0:65401", "--http", "[::]:443")
ONE = "--node-at=10.0.0.1:65401,10.0.0.1:8065"


def test_it_says_what_it_was_told(capsys):
    text = output(
        *BASE,
        ONE,
        "--node-at=[fd00::2]:1",
        "--lifetime=7200.5",
        "--max-message=1000",
        "--http-host=gw.example.org",
    )
    lines = [line.strip() for line in text.splitlines()]
    assert lines.count("listen 0.0.0.0:65401 udp reuseport rcvbuf=4m;") == 1
    assert lines.count("listen [::]:443;") == 1
    # Of CoAP longer than the longest pause of a device that repeats (RFC 7252 section 4.2: 2 s * 1.5 * 2^3)
    coap, http = ("10.0.0.1:65401", "[fd00::2]:1"), ("10.0.0.1:8065", "[fd00::2]:8065")
    for server, seconds in (*((each, 30) for each in coap), *((each, 5) for each in http)):
        assert lines.count(f"server {server} max_fails=1 fail_timeout={seconds}s;") == 1
    # The longest silence of a device, and EXCHANGE_LIFETIME (RFC 7252 section 4.8.2: 247 s)
    (timeout,) = [line for line in lines if line.startswith("proxy_timeout")]
    assert int(timeout.split()[1].rstrip("s;")) >= 7201 + 247
    assert "server_name gw.example.org;" in lines
    # As a node takes it: twice the message, for what JSON escapes, and its frame
    assert "client_max_body_size 6096;" in lines
    assert "include /etc/nginx/modules-enabled/*.conf;" in lines


def test_one_without_root_differs_in_its_places_alone():
    """What is printed for the machine's own NGINX is not started here: it is what is, but for where it writes."""
    system = output(*BASE, ONE).splitlines()
    own = output(*BASE, ONE, "--nginx-folder", "/srv/nginx").splitlines()
    assert {line for line in own if line not in system} == {
        "pid /srv/nginx/nginx.pid;",
        "error_log /srv/nginx/error.log;",
        *(
            f"    {name}_temp_path /srv/nginx/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        ),
    }
    left = [line for line in system if line not in own]
    assert [line for line in left if not line.startswith("#")] == [
        "include /etc/nginx/modules-enabled/*.conf;"
    ]


@pytest.mark.parametrize(
    "words, said",
    [
        (BASE, "--print-nginx needs --node-at COAP,HTTP: where a server listens, once for each"),
        ((*BASE, ONE, ONE), "--node-at 10.0.0.1:65401 is given twice: each server has an address of its own"),
        (
            ("server", "--print-nginx", "--node-at", "127.0.0.1:65401"),
            "--node-at 127.0.0.1:65401 is where NGINX listens: give --coap HOST:PORT, another one",
        ),
        ((*BASE, "--node-at", "a;b:1"), "'a;b' is no name of a host"),
        ((*BASE, "--node-at", "a"), "'a' is not HOST:PORT"),
        ((*BASE, ONE, "--coap", "0.0.0.0:0"), "0.0.0.0:0: NGINX needs the number of a port"),
        (
            (*BASE, ONE, "--nginx-tls", "cert.pem"),
            "'cert.pem' is not CERT,KEY: two files with a comma between them",
        ),
        ((*BASE, ONE, "--nginx-tls", "a;b,c"), "'a;b': a path without spaces, quotes and any of"),
        (
            (*BASE, ONE, "--nginx-folder", "here"),
            "'here' does not begin with /: NGINX looks for it elsewhere",
        ),
        (("server", ONE), "--node-at means nothing without --print-nginx"),
    ],
)
def test_a_mistake_is_one_line(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        code = cli.main(list(words))
    except SystemExit as end:
        code = end.code
    told = capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert said in told.err.splitlines()[-1]
