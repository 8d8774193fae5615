# SPDX-License-Identifier: MIT
"""docs/dashboard.json, docs/alerts.yml and docs/metrics.md name metrics that there are, with labels that those have."""

import io
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from host_tests.gateway.page.test_metrics import PROGRAMS, program, read
from host_tests.gateway.scripted import run
from tools.page.sinks import Sink
from tools.programs.peers import peer
from tools.wire.bodies import Address

DOCS = Path(__file__).resolve().parents[3] / "docs"
DASHBOARD = json.loads((DOCS / "dashboard.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
ADDED = {"instance", "job"}  # labels that Prometheus adds
UE = Address("UE", "ue:a@example.org")


@pytest.fixture(scope="module")
def there():
    """{name of a sample: its labels}, of all programs, each of which has counted one of what it counts."""
    found = {}

    async def main():
        for name in PROGRAMS:
            async with program(name) as g:
                g.tallies.delivered("UE", "done", 1.0)
                g.tallies.types["accepted", "MSG"] += 1
                for part in g.decisions:
                    part.refusals["4.01"] += 1
                g.coap.refusals["replay"] += 1
                g.http.refusals["401"] += 1
                with g.store.transaction():
                    g.store.add(1, "MSG", UE, UE, {"msgType": "MSG", "msgId": "1"}, [], "queued", 4e9)
                g.events.sinks.append(Sink("stdout", io.StringIO()))
                for family in text_string_to_metric_families(await read(g)):
                    for sample in family.samples:
                        found.setdefault(sample.name, set()).update(sample.labels)

    run(main())
    return found


def used(expression):
    """(metric, the labels that are asked of it) of an expression of PromQL."""
    for name, _, matchers in re.findall(r"\b((?:msgin5g|process|python)_\w+)(\{([^}]*)\})?", expression):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|=|!=|!~)", matchers))


def check(expression, there):
    labels = set()
    for name, asked in used(expression):
        assert name in there, name
        assert asked <= there[name] | ADDED, name
        labels |= there[name]
    for words in re.findall(r"by \(([^)]*)\)", expression):
        assert set(re.split(r",\s*", words)) <= labels | ADDED, expression


@pytest.mark.parametrize("expression", QUERIES)
def test_a_query_of_the_dashboard_asks_for_what_there_is(expression, there):
    assert list(used(expression))
    check(expression, there)


def test_prometheus_understands_the_queries(tmp_path):
    lines = ["groups:", "  - name: dashboard", "    rules:"]
    for number, expression in enumerate(QUERIES):
        plain = expression.replace("$__rate_interval", "5m").replace("$instance", ".*")
        lines += ["      - record: r%d" % number, "        expr: " + json.dumps(plain)]
    (tmp_path / "rules.yml").write_text("\n".join(lines) + "\n")
    said = subprocess.run(
        [peer("promtool"), "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True
    )
    assert said.returncode == 0 and "%d rules found" % len(QUERIES) in said.stdout, said


def test_the_dashboard_is_one():
    """As Grafana reads it: each panel has an ID and a place of its own, and asks the data source that is chosen."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24
        taken |= cells
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(target["legendFormat"] for target in panel["targets"])
    assert {each["name"] for each in DASHBOARD["templating"]["list"]} == {"datasource", "instance"}


def test_the_rules_are_what_prometheus_understands_and_ask_for_what_there_is(there):
    path = DOCS / "alerts.yml"
    said = subprocess.run([peer("promtool"), "check", "rules", path], capture_output=True, text=True)
    assert said.returncode == 0, said
    expressions = re.findall(r"^ +expr: (.*)$", path.read_text(), re.MULTILINE)
    assert len(expressions) > 5
    for expression in expressions:
        check(expression, there | OF_A_NODE)


# What one of several nodes has beside that; `test_metrics` holds it to its names.
OF_A_NODE = {"msgin5g_store_reconnects_total": set()}
# Of an alert: what comes each minute, as promtool writes series down, and the labels of the one that is told then.
GATEWAY = 'instance="gw:8065"'
ALERTS = {
    "MSGin5GDown": ({'up{job="msgin5g",%s}' % GATEWAY: "0x60"}, {"job": "msgin5g"}),
    "MSGin5GNothingDelivered": (
        {
            'msgin5g_waiting_messages{state="queued",type="MSG",%s}' % GATEWAY: "2x60",
            'msgin5g_deliveries_total{outcome="done",to="UE",%s}' % GATEWAY: "7x60",
        },
        {},
    ),
    "MSGin5GMessagesFail": ({'msgin5g_messages_failed_total{type="MSG",%s}' % GATEWAY: "0+1x60"}, {}),
    "MSGin5GKeyRefused": (
        {'msgin5g_oscore_failures_total{cause="replay",%s}' % GATEWAY: "0+1x60"},
        {"cause": "replay"},
    ),
    "MSGin5GSetAside": (
        {'msgin5g_store_rows{table="quarantine",%s}' % GATEWAY: "1x60"},
        {"table": "quarantine"},
    ),
    "MSGin5GUpdatePaused": (
        {'msgin5g_updates{state="paused",%s}' % GATEWAY: "1x60"},
        {"state": "paused"},
    ),
    "MSGin5GStoreFails": ({"msgin5g_store_readable{%s}" % GATEWAY: "0x60"}, {}),
    "MSGin5GStoreSlow": (
        {
            'msgin5g_commit_seconds_bucket{le="0.25",%s}' % GATEWAY: "0+9x60",
            'msgin5g_commit_seconds_bucket{le="1.0",%s}' % GATEWAY: "0+10x60",
            'msgin5g_commit_seconds_bucket{le="+Inf",%s}' % GATEWAY: "0+10x60",
        },
        {},
    ),
    "MSGin5GDatabaseLost": ({"msgin5g_store_reconnects_total{%s}" % GATEWAY: "0+1x60"}, {}),
    "MSGin5GEventsLost": (
        {'msgin5g_events_lost_total{sink="stdout",%s}' % GATEWAY: "0+1x60"},
        {"sink": "stdout"},
    ),
    "MSGin5GNoServer": ({"msgin5g_upstream_registered{%s}" % GATEWAY: "0x60"}, {}),
}
WELL = {
    'up{job="msgin5g",%s}' % GATEWAY: "1x60",
    'msgin5g_waiting_messages{state="queued",type="MSG",%s}' % GATEWAY: "2x60",
    'msgin5g_deliveries_total{outcome="done",to="UE",%s}' % GATEWAY: "0+5x60",
    'msgin5g_messages_failed_total{type="MSG",%s}' % GATEWAY: "3x60",
    'msgin5g_oscore_failures_total{cause="not protected",%s}' % GATEWAY: "0+9x60",
    'msgin5g_store_rows{table="quarantine",%s}' % GATEWAY: "0x60",
    'msgin5g_store_rows{table="device",%s}' % GATEWAY: "9x60",
    'msgin5g_updates{state="paused",%s}' % GATEWAY: "0x60",
    'msgin5g_updates{state="running",%s}' % GATEWAY: "1x60",
    "msgin5g_store_readable{%s}" % GATEWAY: "1x60",
    "msgin5g_outcomes_unrecorded{%s}" % GATEWAY: "0x60",
    'msgin5g_events_total{event="store-error",%s}' % GATEWAY: "1x60",
    'msgin5g_commit_seconds_bucket{le="0.25",%s}' % GATEWAY: "0+10x60",
    'msgin5g_commit_seconds_bucket{le="+Inf",%s}' % GATEWAY: "0+10x60",
    'msgin5g_events_lost_total{sink="stdout",%s}' % GATEWAY: "4x60",
    "msgin5g_store_reconnects_total{%s}" % GATEWAY: "2x60",
    "msgin5g_upstream_registered{%s}" % GATEWAY: "1x60",
}


def test_each_rule_tells_what_it_is_for_and_nothing_where_all_is_well(tmp_path):
    rules = {
        each["alert"]: each
        for each in yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"][0]["rules"]
    }
    assert rules.keys() == ALERTS.keys()
    cases = []
    for name, (series, labels) in ALERTS.items():
        cases.append(case(series, name, [labels | {"instance": "gw:8065"}]))
        cases.append(case(WELL, name, []))
    for rule in rules.values():
        del rule["annotations"]  # they hold values, which promtool would compare
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "all", "rules": list(rules.values())}]})
    )
    tests = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": cases}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))
    done = subprocess.run(
        [peer("promtool"), "test", "rules", tmp_path / "tests.yml"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def case(series, name, told):
    return {
        "interval": "1m",
        "input_series": [{"series": each, "values": values} for each, values in series.items()],
        "alert_rule_test": [
            {"eval_time": "50m", "alertname": name, "exp_alerts": [{"exp_labels": labels} for labels in told]}
        ],
    }


def test_prometheus_takes_what_the_page_says_of_scraping(tmp_path):
    said = (DOCS / "metrics.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    assert "scrape_configs:" in said and "/etc/prometheus/msgin5g.token" in said
    (tmp_path / "token").write_text("secret")
    (tmp_path / "prometheus.yml").write_text(said.replace("/etc/prometheus/msgin5g.token", "token"))
    check = [peer("promtool"), "check", "config", "--lint-fatal", tmp_path / "prometheus.yml"]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0 and "is valid prometheus config file" in done.stdout, done


def test_the_page_has_each_metric_with_its_labels_and_no_other(there):
    text = (DOCS / "metrics.md").read_text()
    listed = {}
    for line in text.partition("| metric | labels | is |")[2].splitlines()[2:]:
        if not line.startswith("|"):
            break
        names, labels, _ = re.split(r" *\| *", line.strip("| "), maxsplit=2)
        for name in re.findall(r"`(\w+)`", names):
            listed[name] = set(re.findall(r"`(\w+)`", labels))
    whole = {re.sub(r"_(bucket|sum|count)$", "", name): labels - {"le"} for name, labels in there.items()}
    own = {name: labels for name, labels in whole.items() if name.startswith("msgin5g_")}
    toward = {name for name in own | listed if re.match(r"msgin5g_upstream_(coap|oscore)_", name)}
    assert {name.replace("upstream_", "") for name in toward} <= listed.keys()
    listed.pop("msgin5g_serial_line_open")  # of who has --serial
    for name in toward:  # as toward devices
        own.pop(name, None)
        listed.pop(name, None)
    assert own == listed
