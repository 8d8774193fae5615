# SPDX-License-Identifier: MIT
"""Who may speak on the HTTP side: names that it is called by, bearer tokens, and secrets that are not shown."""

import asyncio
import sqlite3
from types import SimpleNamespace

import pytest
from multidict import CIMultiDict

import tools.demo.application_server
from host_tests.gateway.scripted import ApplicationServer, Process, Ue, gateway, run
from tools import cli
from tools.gateway.runtime import Gateway, Options
from tools.page.events import Events
from tools.server.callers import Callers, RefusedError
from tools.server.hosts import Hosts, is_loopback
from tools.server.settings import Settings
from tools.store.store import Store
from tools.wire.masking import masked, masked_uri

A = "ue:a"
WEATHER, OTHER = "as:weather@example.org", "as:other@example.org"
REGISTER = "/msgs-asregistration/v1/registrations"
MESSAGE, REPORT = "/msgs-msgdelivery/v1/deliver-as-message", "/msgs-msgdelivery/v1/deliver-report"


def bearer(token):
    return {"Authorization": "Bearer " + token}


async def raw(port, text):
    """(status, header lines, body) of the answer to these octets."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode("latin-1"))
    answer = (await reader.read()).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    lines = head.split("\r\n")
    return int(lines[0].split()[1]), lines[1:], body


# ---- Host


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:8065", "localhost.", "127.0.0.1", "127.0.0.1:80", "127.9.9.9", "[::1]:8065"]
    + ["gw.example.org", "GW.example.org.:443", "192.0.2.7:8065", "[2001:db8::7]", "[::ffff:127.0.0.1]"],
)
def test_names_of_the_gateway(host):
    hosts = Hosts("192.0.2.7", ["gw.example.org", "2001:db8::7"])
    assert hosts.allow(host, "127.0.0.1")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "evil.example:8065", "gw.example.org.evil"]
    + [
        "",
        "[",
        "[::1",
        "127.0.0.1@evil.example",
        "user@127.0.0.1",
        "127.0.0.1:99999",
        "127.0.0.1:x",
        "2130706433",
    ]
    + ["0x7f.1", "127.1", "192.0.2.8", "0.0.0.0", "localhost evil", "localhost/", "localhost#", "LOCALHOST\t"]
    + ["127.0.0.1, evil.example", "[::ffff:192.0.2.8]", "..", "loca\u212ahost"],
)
def test_names_of_others(host):
    assert not Hosts("0.0.0.0", []).allow(host, "192.0.2.7")


def test_an_address_that_the_connection_came_in_at_is_ours():
    assert Hosts("0.0.0.0", []).allow("192.0.2.7:8065", "192.0.2.7")
    assert Hosts("::", []).allow("192.0.2.7", "::ffff:192.0.2.7")


@pytest.mark.parametrize(
    "head", ["POST {path} HTTP/1.1\r\nHost: {host}", "POST http://{host}{path} HTTP/1.1\r\nHost: 127.0.0.1"]
)
@pytest.mark.parametrize("path", [REGISTER, MESSAGE, REPORT, "/admin/push"])
def test_a_web_page_that_leads_its_own_name_here_gets_nothing(head, path):
    """Before anything is done: neither an Application Server nor a message is there."""

    async def main():
        async with gateway() as g:
            body = '{"asSvcId": "as:weather@example.org", "targetUri": "http://192.0.2.1/"}'
            head_ = head.format(path=path, host="evil.example")
            more = "Content-Type: application/json\r\nConnection: close\r\nContent-Length: %d" % len(body)
            status, lines, answer = await raw(g.http_port, "%s\r\n%s\r\n\r\n%s" % (head_, more, body))
            assert status == 421 and "--http-host" in answer
            assert g.store.application_servers() == []
            told = g.journal.find("refused", kind="HTTP", code="421")
            assert len(told) == 1 and told[0]["peer"].startswith("127.0.0.1:")

    run(main())


def test_pages_and_status_are_not_read_by_another_name_either():
    async def main():
        async with gateway() as g:
            for path in ("/", "/status.json", "/metrics", "/nothing"):
                for host, wanted in (("evil.example", {421}), ("[", {421}), ("localhost:1", {200, 404})):
                    text = "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, host)
                    assert (await raw(g.http_port, text))[0] in wanted
            # RFC 9112 section 3.2: no Host, or two of them
            assert (await raw(g.http_port, "GET / HTTP/1.0\r\n\r\n"))[0] == 400
            two = "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            assert (await raw(g.http_port, two))[0] == 400

    run(main())


def test_names_can_be_added():
    async def main():
        options = Options(
            Settings(), ("127.0.0.1", 0), ("127.0.0.1", 0), ":memory:", http_hosts=("gw.example.org",)
        )
        async with Gateway(options, Events()) as g:
            text = "GET / HTTP/1.1\r\nHost: gw.example.org\r\nConnection: close\r\n\r\n"
            assert (await raw(g.http_port, text))[0] == 200

    run(main())


@pytest.mark.parametrize("name", ["gw.example.org:8065", "http://gw.example.org", "", "a b", "[::1", "*"])
def test_a_name_that_is_none_is_refused(name, capsys):
    with pytest.raises(SystemExit):
        cli.main(["gateway", "--http-host", name])
    assert "is no name of a host" in capsys.readouterr().err


# ---- tokens


def test_without_tokens_this_machine_needs_none():
    async def main():
        async with gateway() as g, Ue(g, A) as a, ApplicationServer(g) as server:
            await a.register()
            await server.register()
            assert (await server.call("/admin/push", {"to": "ue:nobody", "body": {}}))[0] != 403
            assert (await server.deliver(server.message(A, "hello")))[0] == 200
            (told,) = g.journal.find("as-registered")
            assert told["peer"].startswith("127.0.0.1:")
            (accepted,) = g.journal.find("accepted")
            assert accepted["from"] == WEATHER and accepted["peer"].startswith("127.0.0.1:")

    run(main())


@pytest.mark.parametrize(
    "passed_on, here",
    [("127.0.0.1", True), ("::1", True), ("203.0.113.9", False), ("127.0.0.1, 203.0.113.9", False)]
    + [("203.0.113.9, 127.0.0.1", True), ("localhost", False), ("", False), ("[2001:db8::7]", False)],
)
def test_whom_a_proxy_on_this_machine_asks_for_is_not_on_this_machine(passed_on, here):
    """The page is read without a token from this machine alone, and nobody registers from elsewhere without one."""

    async def main():
        async with gateway() as g:
            more = "Host: localhost\r\nX-Forwarded-For: %s\r\nConnection: close\r\n" % passed_on
            status, _, _ = await raw(g.http_port, "GET /status.json HTTP/1.1\r\n%s\r\n" % more)
            assert status == (200 if here else 401)
            body = '{"asSvcId": "as:weather@example.org", "targetUri": "http://192.0.2.1/"}'
            more += "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
            status, _, _ = await raw(g.http_port, "POST %s HTTP/1.1\r\n%s\r\n%s" % (REGISTER, more, body))
            assert status == (201 if here else 401)
            assert bool(g.store.application_servers()) is here
            status, _, answer = await raw(g.http_port, "POST /admin/push HTTP/1.1\r\n%s\r\n%s" % (more, body))
            assert (status == 401) is not here

    run(main())


def test_a_proxy_elsewhere_says_nothing_of_who_is_here():
    """Where anybody can write the field it proves nothing: who connects is who asks."""
    request = SimpleNamespace(
        headers=CIMultiDict({"Host": "localhost", "X-Forwarded-For": "127.0.0.1"}),
        transport=SimpleNamespace(get_extra_info={"peername": ("203.0.113.9", 1), "sockname": ("",)}.get),
        raw_path="/",
    )
    store = SimpleNamespace(has_tokens=lambda: False)
    with pytest.raises(RefusedError, match="a bearer token is needed"):
        Callers(store, None, "0.0.0.0").caller(request, public=True)


def test_a_token_speaks_for_its_own_application_server_alone():
    async def main():
        async with gateway() as g, Ue(g, A) as a, ApplicationServer(g) as server:
            await a.register()
            with g.store.transaction():
                mine, _ = g.store.add_token(WEATHER)
                other, _ = g.store.add_token(OTHER)
            message = server.message(A, "hello")
            report = {
                "oriAddr": {"addrType": "AS", "addr": WEATHER},
                "destAddr": {"addrType": "UE", "addr": A},
                "msgId": message["msgId"],
                "delivSt": "REPT_DELY_SUCCESS",
            }
            register = {"asSvcId": WEATHER, "targetUri": server.target}
            calls = [(REGISTER, register), (MESSAGE, message), (REPORT, report)]

            for path, body in calls:
                for headers in ({}, {"Authorization": "Basic " + mine}, {"Authorization": mine}):
                    status, problem, got = await server.call(path, body, headers=headers)
                    assert (status, got["WWW-Authenticate"]) == (
                        401,
                        'Bearer realm="msgin5g"',
                    )  # RFC 6750 section 3
                for token in (mine[:-1], mine + "x", mine.swapcase(), "\u00fc", "", " "):
                    status, problem, got = await server.call(path, body, headers=bearer(token))
                    assert status == 401 and got["WWW-Authenticate"].startswith("Bearer ")
                    assert token.strip() == "" or mine not in str(problem)
                status, problem, _ = await server.call(path, body, headers=bearer(other))
                assert status == 403 and WEATHER in problem["detail"]
            assert g.store.application_servers() == [] and g.store.summary() == []

            status, _, headers = await server.call(REGISTER, register, headers=bearer(mine))
            assert status == 201
            assert (await server.call(MESSAGE, message, headers={"authorization": "bearer " + mine}))[
                0
            ] == 200
            assert (await a.next("MSG"))["payload"] == "hello"
            assert (await server.call(REPORT, report, headers=bearer(mine)))[0] == 200

            location = headers["Location"]
            for given, wanted in (({}, 401), (bearer(other), 403), (bearer(mine), 204)):
                async with server.http.delete(location, headers=given) as response:
                    assert response.status == wanted
                assert bool(g.store.application_servers()) is (wanted != 204)
            refused = g.journal.find("refused", kind="HTTP")
            assert {told["code"] for told in refused} == {"401", "403"}
            assert all(told["peer"].startswith("127.0.0.1:") for told in refused)
            assert mine not in str(g.journal.all) and other not in str(g.journal.all)

    run(main())


def test_where_others_reach_it_each_needs_a_token_from_the_start():
    async def main():
        options = Options(Settings(open=True), ("127.0.0.1", 0), ("0.0.0.0", 0), ":memory:", admin=True)
        async with Gateway(options, Events()) as g, ApplicationServer(g) as server:
            body = {"asSvcId": WEATHER, "targetUri": server.target}
            assert (await server.call(REGISTER, body))[0] == 401
            with g.store.transaction():
                token, _ = g.store.add_token(WEATHER)
            assert (await server.call(REGISTER, body, headers=bearer(token)))[0] == 201
            demo = tools.demo.application_server.ApplicationServer
            async with demo(WEATHER, ("127.0.0.1", g.http_port), token=token) as other:
                await other.register()
            assert g.store.application_server(WEATHER).target_uri == other.target
            # this machine reads the status without one
            assert (await server.call("/status.json", None, "GET"))[0] == 200

    run(main())


def request(peer, host="192.0.2.7", **headers):
    names = {"sockname": ("192.0.2.7", 8065), "peername": (peer, 4711)}
    given = CIMultiDict({"Host": host, **headers})
    return SimpleNamespace(
        headers=given, raw_path="/status.json", transport=SimpleNamespace(get_extra_info=names.get)
    )


def test_from_another_machine_the_status_is_read_with_any_token_and_admin_not_at_all():
    store = Store(":memory:")
    token, _ = store.add_token(WEATHER)
    callers = Callers(store, print, "192.0.2.7")
    for peer in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert callers.caller(request(peer), public=True).id is None
    for public in (True, False):
        with pytest.raises(RefusedError) as refused:
            callers.caller(request("192.0.2.9"), public)
        assert refused.value.status == 401
        caller = callers.caller(request("192.0.2.9", Authorization="Bearer " + token), public)
        assert (caller.id, caller.peer) == (WEATHER, "192.0.2.9:4711")
    for peer in ("192.0.2.9", "127.0.0.1"):
        with pytest.raises(RefusedError):
            callers.must_be_here(request(peer, Authorization="Bearer " + token))
    store.close()


@pytest.mark.parametrize(
    "host, wanted", [("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.8.8.8", True)]
)
def test_loopback(host, wanted):
    assert is_loopback(host) is wanted
    assert not any(
        map(is_loopback, ("0.0.0.0", "::", "192.0.2.1", "gw.example.org", "", "localhost.example.org"))
    )


def test_the_command_makes_lists_and_removes_tokens(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def command(*words):
        code = cli.main(["gateway", "as", *words])
        return code, *capsys.readouterr()

    code, out, _ = command("add", WEATHER)
    token = out.splitlines()[1]
    assert code == 0 and len(token) >= 43 and out.count(token) == 1
    store = Store("gateway.db", serving=False)
    assert store.owner_of_token(token) == WEATHER
    store.register_as(WEATHER, "1", "http://u:hidden@192.0.2.1/in?key=hidden", {})
    store.close()
    octets = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert token.encode() not in octets  # nobody who reads the store can speak

    code, out, _ = command("list")
    assert code == 0 and out.startswith(WEATHER) and token not in out and "hidden" not in out
    code, out, _ = command("add", WEATHER)
    second = out.splitlines()[1]
    store = Store("gateway.db", serving=False)
    assert store.owner_of_token(token) is None and store.owner_of_token(second) == WEATHER
    store.close()
    code, out, _ = command("remove", WEATHER)
    assert code == 0 and "no token is left" in out
    store = Store("gateway.db", serving=False)
    assert store.owner_of_token(second) is None and store.application_server(WEATHER) is None
    store.close()
    assert command("remove", WEATHER)[0] == 2
    assert command("list", "--store", "typo.db")[0] == 2 and not (tmp_path / "typo.db").exists()


def test_a_token_that_is_added_holds_at_once_for_a_gateway_that_serves(tmp_path, monkeypatch, capsys):
    async def main():
        g = Process(tmp_path)
        await g.start()
        async with ApplicationServer(g) as server:
            await server.register()
            assert cli.main(["gateway", "as", "add", WEATHER, "--store", str(tmp_path / "gateway.db")]) == 0
            token = capsys.readouterr().out.splitlines()[1]
            body = {"asSvcId": WEATHER, "targetUri": server.target}
            assert (await server.call(REGISTER, body))[0] == 401
            assert (await server.call(REGISTER, body, headers=bearer(token)))[0] == 201
            await g.kill()

    run(main())


def test_a_store_that_fails_lets_nobody_in():
    async def main():
        async with gateway() as g, ApplicationServer(g) as server:

            def fails():
                raise sqlite3.OperationalError("disk I/O error")

            g.store.has_tokens = fails
            assert (await server.call(REGISTER, {"asSvcId": WEATHER}))[0] == 503
            assert g.store.application_servers() == []

    run(main())


# ---- secrets in a URI


@pytest.mark.parametrize(
    "uri, shown",
    [
        ("http://192.0.2.1:9000/in", "http://192.0.2.1:9000/in"),
        ("http://user:secret@192.0.2.1/in", "http://user:***@192.0.2.1/in"),
        ("http://user:sec:ret@x@192.0.2.1/in", "http://user:***@192.0.2.1/in"),
        ("https://secret@as.example.org", "https://***@as.example.org"),
        ("http://:secret@as.example.org/", "http://:***@as.example.org/"),
        ("http://as.example.org/in?key=secret&x=secret#secret", "http://as.example.org/in?key=***&x=***#***"),
        ("http://as.example.org/a@b", "http://as.example.org/a@b"),
        (None, None),
    ],
)
def test_what_is_shown_of_a_uri(uri, shown):
    assert masked_uri(uri) == shown


def test_a_library_that_quotes_the_uri():
    uri = "http://user:secret@192.0.2.1/in"
    assert "secret" not in masked("InvalidURL: %s, password secret" % uri, uri)


def test_a_password_in_a_target_is_for_that_server_alone():
    async def main():
        async with gateway() as g, ApplicationServer(g) as server:
            target = server.target.replace("http://", "http://user:hush-hush@") + "?key=hush-hush"
            await server.register(targetUri=target)
            server.status = [503, 204]
            async with Ue(g, A) as a:
                await a.register()
                await a.send(WEATHER, "21.5", "AS")
                assert (await server.next())["payload"] == (await server.next())["payload"] == "21.5"
            async with server.http.get("/") as page, server.http.get("/status.json") as status:
                shown = await page.text() + await status.text()
            assert "hush-hush" not in shown + str(g.journal.all)
            assert "user:***@" in shown

    run(main())
