# SPDX-License-Identifier: MIT
"""Whether the firewall of this machine lets datagrams of devices in: firewalld, ufw, nftables, iptables, by what each
says of itself. Most tell root alone; what was not told is said, and what lets the datagrams in."""

import json
import re

from tools.doctor.finding import lacks, ok, unknown

_AS_ROOT = "as root it can be: sudo .venv/bin/msgin5g doctor"


def firewall(machine, args):
    """Of the first one that is at work."""
    port = args.coap[1]
    if not machine.linux:
        yield unknown(
            "firewall", f"that of {machine.platform} was not looked at", f"let UDP port {port} in there"
        )
        return
    for look in (_firewalld, _ufw, _nftables, _iptables):
        found = look(machine, port)
        if found is not None:
            yield found
            return
    if any(machine.which(program) for program in ("nft", "iptables")) and not machine.is_root:
        yield unknown("firewall", "only root may read its rules", _AS_ROOT)
    else:
        yield ok("firewall", "there is none")


def _closed(name, port, todo):
    return lacks("firewall", f"{name} keeps datagrams to UDP port {port} out", todo)


def _firewalld(machine, port):
    """firewall-cmd(1): --state prints "running"; --query-port prints yes or no."""
    state = machine.run("firewall-cmd", "--state")
    if state is None or state.out != "running":
        return None
    asked = machine.run("firewall-cmd", f"--query-port={port}/udp")
    if asked.out == "yes":
        return ok("firewall", f"firewalld lets UDP port {port} in")
    if asked.out == "no":
        return _closed(
            "firewalld", port, f"sudo firewall-cmd --add-port={port}/udp, with --permanent to keep it"
        )
    return unknown("firewall", f"firewalld is on and did not say ({asked.err})", _AS_ROOT)


def _ufw(machine, port):
    """ufw(8): /etc/ufw/ufw.conf says whether it is enabled; `ufw status` prints the rules to root."""
    try:
        conf = machine.text("/etc/ufw/ufw.conf") or ""
    except OSError:
        conf = ""
    if not re.search(r"^ENABLED=yes", conf, re.M | re.I):
        return None
    todo = f"sudo ufw allow {port}/udp"
    said = machine.run("ufw", "status", "verbose")
    if said is None or said.code:
        return unknown("firewall", "ufw is on, and tells its rules to root only", _AS_ROOT)
    if re.search(rf"^{port}(/udp)?\s+ALLOW", said.out, re.M):
        return ok("firewall", f"ufw lets UDP port {port} in")
    refused = re.search(rf"^{port}(/udp)?\s+(DENY|REJECT)", said.out, re.M)
    if not refused and re.search(r"^Default: allow \(incoming\)", said.out, re.M):
        return ok("firewall", "ufw lets in what no rule keeps out")
    return _closed("ufw", port, todo)


def _nftables(machine, port):
    """libnftables-json(5). A base chain with the hook input decides; its policy is what no rule says."""
    said = machine.run("nft", "-j", "list", "ruleset")
    if said is None or said.code:
        return None
    try:
        objects = json.loads(said.out)["nftables"]
    except (ValueError, KeyError):
        return unknown("firewall", "nft said what is no list of rules", _AS_ROOT)
    chains = [each["chain"] for each in objects if "chain" in each and each["chain"].get("hook") == "input"]
    closed = [chain for chain in chains if chain.get("policy") == "drop"]
    ours = {(chain["family"], chain["table"], chain["name"]) for chain in chains}
    rules = [
        each["rule"]
        for each in objects
        if "rule" in each and (each["rule"]["family"], each["rule"]["table"], each["rule"]["chain"]) in ours
    ]
    if not closed and not any(_refuses(rule) for rule in rules):
        return ok("firewall", "nftables keeps nothing out")
    if any(_takes(rule, port) for rule in rules):
        return ok("firewall", f"nftables has a rule that lets UDP port {port} in")
    if closed:
        chain = closed[0]
        add = (
            f"sudo nft insert rule {chain['family']} {chain['table']} {chain['name']} udp dport {port} accept"
        )
        return _closed("nftables", port, add)
    return unknown(
        "firewall", "nftables has rules that this does not understand", f"see that UDP port {port} gets in"
    )


def _refuses(rule):
    return any(name in part for part in rule.get("expr", []) for name in ("drop", "reject", "jump", "goto"))


def _takes(rule, port):
    """Whether it is `udp dport PORT accept`, also as one of a set or a range."""
    parts = rule.get("expr", [])
    if not any("accept" in part for part in parts):
        return False
    for part in parts:
        match = part.get("match", {})
        if (
            match.get("left") == {"payload": {"protocol": "udp", "field": "dport"}}
            and match.get("op") == "=="
        ):
            right = match["right"]
            values = right.get("set", [right]) if isinstance(right, dict) else [right]
            if any(_holds(value, port) for value in values):
                return True
    return False


def _holds(value, port):
    if isinstance(value, dict):
        first, last = value.get("range", (1, 0))
        return first <= port <= last
    return value == port


def _iptables(machine, port):
    """iptables(8): -S prints the rules of a chain as they were given."""
    said = machine.run("iptables", "-S", "INPUT")
    if said is None or said.code:
        return None
    lines = said.out.splitlines()
    taken = [line for line in lines if line.endswith("-j ACCEPT") and "-p udp" in line]
    if any(re.search(rf"--dports? \S*\b{port}\b", line) for line in taken):
        return ok("firewall", f"iptables has a rule that lets UDP port {port} in")
    if "-P INPUT DROP" in lines:
        return _closed("iptables", port, f"sudo iptables -I INPUT -p udp --dport {port} -j ACCEPT")
    if any(re.search(r"-j (?!ACCEPT\b)", line) for line in lines):
        more = f"see that UDP port {port} gets in"
        return unknown("firewall", "iptables has rules that this does not understand", more)
    return ok("firewall", "iptables keeps nothing out")
