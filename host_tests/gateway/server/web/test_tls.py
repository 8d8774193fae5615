# SPDX-License-Identifier: MIT
"""TLS of the HTTP side: ours and that of others, certificates that change, mistakes in files, bounds of handshakes."""

import asyncio
import contextlib
import os
import shutil
import signal
import ssl

import aiohttp
import pytest

from host_tests.gateway.scripted import LONG, ApplicationServer, Journal, Process, Ue, run
from host_tests.gateway.server.web.certificates import Authority
from tools import cli
from tools.gateway.running import serving
from tools.gateway.runtime import Gateway, Options
from tools.page.events import Events
from tools.programs.patience import patience
from tools.server.settings import Settings
from tools.transport.web.tls import Certificate, CertificateError, trusting

A, AS = "ue:a", "as:weather@example.org"
HERE = ("127.0.0.1", 0)


@contextlib.asynccontextmanager
async def gateway(tls, ca=None):
    quick = Settings(open=True, retry_min=0.05, retry_max=0.2)
    tls = tls and tuple(str(each) for each in tls)
    events = Events()
    journal = Journal(events)
    options = Options(quick, HERE, HERE, ":memory:", 0.2, admin=True, tls=tls, ca=ca and str(ca))
    async with Gateway(options, events) as g:
        g.journal = journal
        yield g


def trust(authority):
    return ssl.create_default_context(cafile=authority.file)


async def subject(port, context):
    """Who is at this port, by its certificate."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found = dict(one for each in writer.get_extra_info("peercert")["subject"] for one in each)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return found["commonName"]


def test_the_http_side_speaks_tls_and_nothing_else(tmp_path):
    authority = Authority(tmp_path)

    async def main():
        async with gateway(authority.certify("one")) as g:
            assert g.journal.find("listening")[0]["http"] == "https://127.0.0.1:%d" % g.http_port
            url = "https://localhost:%d" % g.http_port
            connector = aiohttp.TCPConnector(ssl=trust(authority))
            async with aiohttp.ClientSession(url, connector=connector) as http:
                async with http.get("/readyz") as response:
                    assert response.status == 200
                body = {"asSvcId": AS, "targetUri": "http://127.0.0.1:1/"}
                async with http.post("/msgs-asregistration/v1/registrations", json=body) as response:
                    assert response.status == 201
                    assert response.headers["Location"].startswith(url + "/msgs-asregistration/")
            async with aiohttp.ClientSession("http://127.0.0.1:%d" % g.http_port) as http:
                with pytest.raises(aiohttp.ClientError):
                    await http.get("/readyz")

    run(main())


def test_what_is_older_than_tls_1_2_is_refused(tmp_path):
    authority = Authority(tmp_path)

    async def main():
        async with gateway(authority.certify("one")) as g:
            old = trust(authority)
            with pytest.warns(DeprecationWarning):
                old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            old.set_ciphers("ALL:@SECLEVEL=0")
            with pytest.raises((ssl.SSLError, OSError)):
                await subject(g.http_port, old)
            assert await subject(g.http_port, trust(authority)) == "one"

    run(main())


def test_another_certificate_is_taken_and_one_that_is_none_is_not(tmp_path):
    authority = Authority(tmp_path)
    one, two = authority.certify("one"), authority.certify("two")

    async def main():
        async with gateway(one) as g:
            context = trust(authority)
            open_ = await asyncio.open_connection("127.0.0.1", g.http_port, ssl=context)
            g.look_at_certificate()
            assert g.journal.find("certificate") == []  # it is the same
            shutil.copy(two[0], one[0])  # its key comes a moment later
            g.look_at_certificate()
            told = g.journal.find("certificate-refused")
            assert len(told) == 1 and "is not that of the certificate" in told[0]["reason"]
            g.look_at_certificate()
            assert len(g.journal.find("certificate-refused")) == 1  # once for each change
            assert await subject(g.http_port, context) == "one"
            shutil.copy(two[1], one[1])
            g.look_at_certificate()
            assert len(g.journal.find("certificate")) == 1
            assert await subject(g.http_port, context) == "two"
            reader, writer = open_  # goes on
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            writer.close()

    run(main())


def test_at_sighup_it_is_read_again(tmp_path):
    authority = Authority(tmp_path)
    one, two = authority.certify("one"), authority.certify("two")

    async def main():
        g = Process(tmp_path, "--tls-cert", str(one[0]), "--tls-key", str(one[1]))
        await g.start()
        assert await subject(g.http_port, trust(authority)) == "one"
        os.replace(two[0], one[0])
        os.replace(two[1], one[1])
        g._process.send_signal(signal.SIGHUP)
        await g.wait("certificate")
        assert await subject(g.http_port, trust(authority)) == "two"
        assert await g.kill(signal.SIGTERM) == 0

    run(main())


def test_handshakes_that_do_not_end_are_bounded_in_number_and_in_time(tmp_path):
    authority = Authority(tmp_path)

    async def main():
        async with gateway(authority.certify("one")) as g:
            all_ = g.http.connections
            all_._max_open, all_.head = 4, 0.5
            silent = [await asyncio.open_connection("127.0.0.1", g.http_port) for _ in range(12)]
            async with patience(LONG):
                while all_.refused < 8:
                    await asyncio.sleep(0.01)
                assert len(all_) <= 4
                assert await subject(g.http_port, trust(authority)) == "one"  # who waits longest made room
                while len(all_):
                    await asyncio.sleep(0.01)
                assert all_.not_agreed >= 11
            for _, writer in silent:
                writer.close()

    run(main())


def test_who_is_posted_to_must_be_certified(tmp_path):
    """The message waits for one that shows another certificate, and the event says why."""
    ours, others = Authority(tmp_path, "ours"), Authority(tmp_path, "others")

    class Secured(ApplicationServer):
        async def __aenter__(self):
            await super().__aenter__()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certified)
            site = aiohttp.web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
            await site.start()
            self.target = "https://127.0.0.1:%d/in" % self._runner.addresses[-1][1]
            return self

    async def main():
        async with gateway(None, ours.file) as g, Ue(g, A) as a:
            await a.register()
            server = Secured(g)
            server.certified = ours.certify("as")
            async with server:
                await server.register()
                await a.send(AS, "one", "AS")
                assert (await server.next())["payload"] == "one"
            server = Secured(g)
            server.certified = others.certify("impostor")
            async with server:
                await server.register()
                await a.send(AS, "two", "AS")
                retry = await g.journal.wait("retry")
                assert retry["reason"].startswith("its certificate is not trusted (")
                assert server.inbox.empty()

    run(main())


def test_mistakes_in_files_are_told(tmp_path):
    authority = Authority(tmp_path)
    file, key = (str(each) for each in authority.certify("one"))
    _, other = (str(each) for each in authority.certify("other"))
    _, secret = (str(each) for each in authority.certify("secret", b"word"))
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing\n")

    def why(function, *arguments):
        with pytest.raises(CertificateError) as raised:
            function(*arguments)
        return str(raised.value)

    assert "--tls-cert %s cannot be read: No such file" % (tmp_path / "none") in why(
        Certificate, str(tmp_path / "none"), key
    )
    assert "--tls-key" in why(Certificate, file, str(tmp_path / "none"))
    assert "is not that of the certificate" in why(Certificate, file, other)
    assert "passphrase" in why(Certificate, file, secret)
    assert "--tls-key" in why(Certificate, file)  # the key is not in it
    assert "in PEM" in why(Certificate, str(nothing), key)
    assert "--ca" in why(trusting, str(nothing))
    assert "cannot be read" in why(trusting, str(tmp_path / "none"))


def test_a_key_may_be_in_the_same_file(tmp_path):
    file, key = Authority(tmp_path).certify("one")
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + file.read_bytes())
    Certificate(str(both))


@pytest.mark.parametrize(
    "options, words",
    [
        (["--tls-cert", "none.pem"], "--tls-cert none.pem cannot be read"),
        (["--tls-key", "none.pem"], "--tls-key without --tls-cert"),
        (["--ca", "none.pem"], "--ca none.pem cannot be read"),
    ],
)
@pytest.mark.parametrize("program", ["gateway", "server"])
def test_a_program_says_so_in_one_line_and_ends(tmp_path, monkeypatch, capsys, program, options, words):
    monkeypatch.chdir(tmp_path)
    assert cli.main([program, "--coap", "127.0.0.1:0", "--http", "127.0.0.1:0", *options]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and words in said[0]


def test_with_tls_there_is_no_warning(tmp_path, monkeypatch, capsys):
    file, key = Authority(tmp_path).certify("one")

    async def nothing(self, args, events):
        return 0

    monkeypatch.setattr(serving.Command, "_serve", nothing)
    here = ["server", "--http", "0.0.0.0:0", "--store", str(tmp_path / "a.db")]
    assert cli.main(here) == 0
    assert "is not encrypted" in capsys.readouterr().out
    assert cli.main([*here, "--tls-cert", str(file), "--tls-key", str(key)]) == 0
    assert "is not encrypted" not in capsys.readouterr().out
