# SPDX-License-Identifier: MIT
"""The firewall, by what each program prints: firewall-cmd(1), ufw(8), libnftables-json(5), iptables(8)."""

import json

import pytest

from tools.doctor import firewall
from tools.doctor.finding import LACKS, OK, UNKNOWN

PORT = 65401


@pytest.fixture
def said(machine, args):
    def look():
        (found,) = firewall.firewall(machine, args(coap=("0.0.0.0", PORT)))
        return found

    return look


def test_there_is_none(said):
    assert said().state == OK


def test_another_system_is_not_looked_at(machine, said):
    machine.platform = "darwin"
    found = said()
    assert found.state == UNKNOWN and "darwin was not looked at" in found.said and "65401" in found.todo


@pytest.mark.parametrize(("answer", "state"), [("yes", OK), ("no", LACKS)])
def test_firewalld(machine, said, answer, state):
    script = f'case "$*" in --state) echo running;; --query-port=65401/udp) echo {answer}; [ {answer} = yes ];; esac'
    machine.program("firewall-cmd", script)
    found = said()
    assert found.state == state
    assert ("--add-port=65401/udp" in found.todo) == (state == LACKS)


def test_firewalld_that_is_off(machine, said):
    machine.program("firewall-cmd", "echo 'not running'; exit 252")
    assert said().state == OK


def test_firewalld_that_does_not_tell_us(machine, said):
    machine.program(
        "firewall-cmd",
        'case "$*" in --state) echo running;; *) echo "Authorization failed." >&2; exit 253;; esac',
    )
    assert said().state == UNKNOWN and "Authorization failed." in said().said


UFW = """Status: active
Logging: on (low)
Default: {default} (incoming), allow (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
22/tcp                     ALLOW IN    Anywhere
{rule}
"""


@pytest.mark.parametrize(
    ("default", "rule", "state"),
    [
        ("deny", "65401/udp                  ALLOW IN    Anywhere", OK),
        ("deny", "65401                      ALLOW IN    Anywhere", OK),
        ("deny", "65401/tcp                  ALLOW IN    Anywhere", LACKS),
        ("deny", "65401/udp                  DENY IN     Anywhere", LACKS),
        ("deny", "5683/udp                   ALLOW IN    Anywhere", LACKS),
        ("allow", "", OK),
        ("allow", "65401/udp                  REJECT IN   Anywhere", LACKS),
    ],
)
def test_ufw(machine, said, default, rule, state):
    machine.write("/etc/ufw/ufw.conf", "# /etc/ufw/ufw.conf\nENABLED=yes\nLOGLEVEL=low\n")
    machine.program("ufw", f"cat <<'END'\n{UFW.format(default=default, rule=rule)}END\n")
    found = said()
    assert found.state == state
    assert (found.todo == "sudo ufw allow 65401/udp") == (state == LACKS)


def test_ufw_tells_root_alone(machine, said):
    machine.write("/etc/ufw/ufw.conf", "ENABLED=yes\n")
    machine.program("ufw", "echo 'ERROR: You need to be root to run this script' >&2; exit 1")
    found = said()
    assert found.state == UNKNOWN and "sudo" in found.todo
    machine.write("/etc/ufw/ufw.conf", "ENABLED=no\n")
    assert said().state == OK


def ruleset(policy, *rules, hook="input"):
    chain = {
        "family": "inet",
        "table": "filter",
        "name": "input",
        "handle": 1,
        "type": "filter",
        "hook": hook,
    }
    chain |= {"prio": 0, "policy": policy}
    where = {"family": "inet", "table": "filter", "chain": "input", "handle": 2}
    return json.dumps(
        {
            "nftables": [
                {"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
                {"table": {"family": "inet", "name": "filter", "handle": 1}},
                {"chain": chain},
                *({"rule": where | {"expr": rule}} for rule in rules),
            ]
        }
    )


def dport(right, verdict="accept", protocol="udp"):
    left = {"payload": {"protocol": protocol, "field": "dport"}}
    return [{"match": {"op": "==", "left": left, "right": right}}, {verdict: None}]


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        (ruleset("accept"), OK),
        (ruleset("drop", hook="forward"), OK),
        (ruleset("drop"), LACKS),
        (ruleset("drop", dport(65401)), OK),
        (ruleset("drop", dport({"set": [5683, 65401]})), OK),
        (ruleset("drop", dport({"set": [{"range": [65000, 65500]}]})), OK),
        (ruleset("drop", dport({"range": [65000, 65500]})), OK),
        (ruleset("drop", dport(65401, protocol="tcp")), LACKS),
        (ruleset("drop", dport(65401, "drop")), LACKS),
        (ruleset("drop", dport(5683)), LACKS),
        (ruleset("accept", dport(65401, "drop")), UNKNOWN),
        (ruleset("accept", [{"reject": None}]), UNKNOWN),
        ("{}", UNKNOWN),
    ],
)
def test_nftables(machine, said, rules, state):
    machine.program("nft", f"[ \"$*\" = '-j list ruleset' ] && cat <<'END'\n{rules}\nEND\n")
    found = said()
    assert found.state == state
    assert (found.todo == "sudo nft insert rule inet filter input udp dport 65401 accept") == (state == LACKS)


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ("-P INPUT ACCEPT", OK),
        ("-P INPUT DROP", LACKS),
        ("-P INPUT DROP\n-A INPUT -p udp -m udp --dport 65401 -j ACCEPT", OK),
        ("-P INPUT DROP\n-A INPUT -p udp -m multiport --dports 5683,65401 -j ACCEPT", OK),
        ("-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 65401 -j ACCEPT", LACKS),
        ("-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-port-unreachable", UNKNOWN),
    ],
)
def test_iptables(machine, said, rules, state):
    machine.program("iptables", f"[ \"$*\" = '-S INPUT' ] && cat <<'END'\n{rules}\nEND\n")
    assert said().state == state


def test_only_root_may_read(machine, said):
    machine.program("nft", "echo 'Operation not permitted (you must be root)' >&2; exit 1")
    machine.program("iptables", "echo 'Fatal: can not open lock file /run/xtables.lock' >&2; exit 4")
    found = said()
    assert found.state == UNKNOWN and "only root may read its rules" in found.said and "sudo" in found.todo
