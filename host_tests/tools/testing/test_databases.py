# SPDX-License-Identifier: MIT
"""The PostgreSQL and the NGINX of the tests are there, are private, and survive what tests do to them."""

import os
import socket
import stat
import urllib.request
from pathlib import Path

import pytest

from tools.errors import UsageError
from tools.programs import debian, nginx, postgres
from tools.programs.ports import free_port


def test_a_test_has_a_database_of_its_own(postgres, database):
    name = database.partition("?")[0].rpartition("/")[2]
    postgres.sql("CREATE TABLE mine (n INT); INSERT INTO mine VALUES (7)", name)
    other = postgres.create(template=name)
    try:
        postgres.sql("INSERT INTO mine VALUES (8)", other)
        assert (
            postgres.sql("SELECT n FROM mine ORDER BY n", other),
            postgres.sql("SELECT n FROM mine", name),
        ) == (
            "7\n8",
            "7",
        )
    finally:
        postgres.drop(other)
    with pytest.raises(UsageError, match="does not exist"):
        postgres.sql("SELECT 1", other)


def test_what_was_committed_is_there_after_a_kill(tmp_path):
    with postgres.Cluster() as cluster:
        cluster.sql("CREATE TABLE kept (n INT)")
        for number in range(3):
            cluster.sql(f"INSERT INTO kept VALUES ({number})")
            first = cluster.pid
            cluster.kill()
            assert cluster.pid is None and not Path(f"/proc/{first}/cwd").exists()
            cluster.start()
        assert cluster.sql("SELECT sum(n), count(*) FROM kept") == "3|3"
        cluster.restart()
        assert cluster.sql("SELECT count(*) FROM kept") == "3"
        folder = cluster.folder
    assert not folder.exists()


def test_it_listens_nowhere_but_in_its_folder_unless_told(postgres):
    assert postgres.sql("SHOW listen_addresses") == ""
    assert stat.S_IMODE(os.stat(postgres.folder).st_mode) == 0o700


def test_it_runs_without_root(postgres):
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not say so in /proc")
    status = Path(f"/proc/{postgres.pid}/status").read_text()
    uid = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1]
    assert uid != "0"


def test_one_on_a_port_keeps_what_is_in_a_folder_that_was_given(tmp_path):
    port = free_port()
    short = tmp_path if len(str(tmp_path)) < 60 else Path("/tmp") / f"msgin5g-{os.getpid()}"
    with postgres.Cluster(short / "pg", port=port) as cluster:
        cluster.sql("CREATE TABLE t (n INT)")
        assert cluster.uri("x", over_tcp=True) == f"postgresql://msgin5g@127.0.0.1:{port}/x"
        with socket.create_connection(("127.0.0.1", port), 5):
            pass
    with postgres.Cluster(short / "pg", port=port) as again:
        assert again.sql("SELECT count(*) FROM t") == "0"


def test_a_setting_that_is_none_is_said():
    with (
        pytest.raises(UsageError, match="PostgreSQL did not start: .*nonsense"),
        postgres.Cluster(settings={"nonsense": 1}),
    ):
        pass


def test_a_folder_too_deep_for_a_socket_is_said(tmp_path):
    with pytest.raises(UsageError, match="too long for a socket: take another folder"):
        postgres.Cluster(tmp_path / ("x" * 90)).start()


CONFIGURATION = """pid nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
    server { listen 127.0.0.1:%d; return 200 "%s"; }
}
stream { server { listen 127.0.0.1:%d udp; return "%s"; } }
"""


def said(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        return answer.read().decode()


def test_nginx_answers_over_udp_and_http_and_comes_back(nginx):
    port = free_port()
    server = nginx(CONFIGURATION % (port, "hello", port, "datagram"))
    assert "test is successful" in server.check()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.sendto(b"?", ("127.0.0.1", port))
        assert sock.recv(100) == b"datagram"
    assert said(port) == "hello"
    server.kill()
    assert server.pid is None
    server.write(CONFIGURATION % (port, "again", port, "datagram"))
    server.start()
    assert said(port) == "again"
    server.restart()
    assert said(port) == "again"
    server.write("nonsense;")
    with pytest.raises(UsageError, match='nginx -t: .*unknown directive "nonsense"'):
        server.check()


def test_what_it_lacks_is_said_where_there_is_no_apt(monkeypatch):
    monkeypatch.setattr(debian, "available", lambda: False)
    for program, error in ((postgres, postgres.NoPostgres), (nginx, nginx.NoNginx)):
        monkeypatch.setattr(program, "there", lambda: None)
        with pytest.raises(error, match="no apt on this system. Debian, Ubuntu: sudo apt install"):
            program.provide()
