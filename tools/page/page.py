# SPDX-License-Identifier: MIT
"""The status page: plain HTML that needs nothing else and reloads itself."""

import time
from html import escape

from tools.page.events import sentence

_STYLE = (
    "body{font:15px/1.4 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25em .75em .25em 0;"
    "border-bottom:1px solid #ddd;overflow-wrap:anywhere}h2{margin:1.5em 0 .3em;font-size:1.1em}"
    ".warn{background:#fde8c8;padding:.4em .8em}"
)


_SECURITY = {
    "none": '<p class="warn">Security mode none: whoever reaches this address can register and send.</p>',
    "oscore": "<p>Security mode oscore: only devices with a key that was added here are heard.</p>",
}


def _table(titles, rows):
    if not rows:
        return "<p>none</p>"
    head = "".join("<th>%s</th>" % escape(title) for title in titles)
    lines = ("<tr>%s</tr>" % "".join("<td>%s</td>" % escape(str(cell)) for cell in row) for row in rows)
    return "<table><tr>%s</tr>%s</table>" % (head, "".join(lines))


def _clock(seconds):
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def _asleep(ue, now):
    if "asleepUntil" not in ue:
        return ""
    return "until it asks" if ue["asleepUntil"] is None else "%d s" % (ue["asleepUntil"] - now)


def _of_server(status):
    """What a server has to show: (title, its table) each."""
    ues = [
        (
            ue["ue"],
            ue["via"] or "",
            ue["peer"] or "its gateway is not registered",
            "%d s" % (ue["expires"] - status["time"]),
            ue["maxSegSize"],
            _asleep(ue, status["time"]),
        )
        for ue in status["registered"]
    ]
    topics = [
        (each["topic"], each["ue"], "%d s" % (each["expires"] - status["time"]))
        for each in status["subscriptions"]
    ]
    groups = [
        (
            each["group"],
            each["name"] or "",
            each["category"],
            each["creator"] or "",
            "%(takePart)d of %(members)d" % each,
        )
        for each in status["groups"]
    ]
    pending = [(p["to"], p["state"], p["messages"], p["octets"]) for p in status["pending"]]
    servers = [(s["as"], s["targetUri"] or "no targetUri") for s in status["applicationServers"]]
    return (
        (
            "Registered UEs",
            _table(
                ("UE Service ID", "through", "address", "expires in", "segments up to", "asleep for"), ues
            ),
        ),
        ("Topics", _table(("topic", "UE Service ID", "expires in"), topics)),
        (
            "Groups",
            _table(("Group Service ID", "name", "category", "made by", "members that take part"), groups),
        ),
        ("Application Servers", _table(("AS Service ID", "target"), servers)),
        ("Pending messages", _table(("for", "state", "messages", "octets"), pending)),
    )


def _of_gateway(status):
    """What a Gateway UE has to show of its server."""
    upstream = status["upstream"]
    row = (upstream["address"], upstream["ue"], upstream["state"], upstream["cause"], upstream["open"])
    return (("MSGin5G Server", _table(("address", "known there as", "state", "cause", "asked now"), [row])),)


def render(status):
    """HTML of what `snapshot` of a program gives."""
    events = [(_clock(event["time"]), sentence(event)) for event in reversed(status["events"])]
    aside = [
        (a["id"], a["kind"], a["what"], a.get("from", ""), a.get("to", ""), a["reason"])
        for a in status.get("quarantined", [])
    ] + [("", each["kind"], each["what"], "", "", each["reason"]) for each in status["resting"]]
    sections = (
        *(_of_gateway(status) if "upstream" in status else _of_server(status)),
        ("Set aside after an error", _table(("id", "kind", "what", "from", "to", "reason"), aside)),
        ("Recent events", _table(("time", "event"), events)),
        ("Counters", _table(("event", "count"), sorted(status["counts"].items()))),
    )
    return "".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="3">',
            "<title>MSGin5G gateway</title><style>%s</style><h1>MSGin5G gateway</h1>" % _STYLE,
            "<p>CoAP on %s, HTTP on %s, store %s</p>"
            % tuple(escape(str(status[name])) for name in ("coap", "http", "store")),
            _SECURITY[status["security"]],
            *("<h2>%s</h2>%s" % section for section in sections),
            "</html>",
        )
    )
