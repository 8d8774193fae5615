# SPDX-License-Identifier: MIT
"""The frame of the bench: rows and exit codes, what is kept of a run, charts, comparison, the figures of the README."""

import json
import sys
import types
import xml.etree.ElementTree as ElementTree

import pytest

from tools import bench
from tools.bench import Row, charts, limits, readme, results
from tools.bench.peers import packages
from tools.errors import UsageError

LIMITS = """
[made]
most = { unit = "octets", at_most = 5 }
least = { unit = "octets", at_least = 5, goal = 9 }
missed = { unit = "octets", at_most = 5, held = 7, why = "the weather" }
"""
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs the command with one part, `made`, that has these rows: its code, what it printed, and its errors."""
    monkeypatch.setattr(limits, "PATH", tmp_path / "limits.toml")
    limits.PATH.write_text(LIMITS)
    monkeypatch.setattr(results, "PATH", tmp_path / "bench/bench.json")
    monkeypatch.setattr(bench, "PARTS", {"made": ("device", "A part"), "other": ("device", "Another")})
    monkeypatch.setattr(bench, "BY_NAME", {"other"})

    def run(*rows, **given):
        for part in bench.PARTS:
            module = types.ModuleType(f"tools.bench.device.{part}")
            module.measure = lambda: iter(rows) if not isinstance(rows[0], Exception) else _raise(rows[0])
            monkeypatch.setitem(sys.modules, module.__name__, module)
        default = {"parts": [], "json": False, "against": None, "readme": False, "peers": None}
        code = bench.main(types.SimpleNamespace(**default | given))
        out, error = capsys.readouterr()
        return code, " ".join(out.split()), error

    yield run
    packages.take(None)


def _raise(error):
    raise error


def test_rows_and_exit_codes(run):
    one, two = Row("one", 5, "octets", "made.most"), Row("two", 5, "octets", "made.least")
    code, out, _ = run(one, two, Row("three", 9, "ms"))
    assert code == 0 and "NOT KEPT" not in out and "<= 5 octets" in out and ">= 5 octets" in out
    code, out, _ = run(Row("one", 6, "octets", "made.most"))
    assert code == 1 and "NOT KEPT" in out
    code, out, _ = run(Row("one", 4, "octets", "made.least"))
    assert code == 1 and "NOT KEPT" in out
    code, out, _ = run(Row("one", 7, "octets", "made.missed"))
    assert code == 0 and "NOT KEPT" in out and "not kept: the weather" in out
    code, out, _ = run(Row("one", 8, "octets", "made.missed"))
    assert code == 1 and "falls behind 7 octets" in out
    code, out, _ = run(Row("one", 8, "ms", beside=8), Row("two", 9, "ms", beside=8))
    assert code == 1 and out.count("NOT KEPT") == 1
    code, out, _ = run(Row("one", None, "ms", needs="a valgrind"))
    assert code == 0 and "not measured: a valgrind" in out


def test_what_a_row_may_not_be(run):
    run(Row("one", 5, "ms"))
    for given, says in (
        ((5, "ms", "made.most"), "made.most in octets"),
        ((5, "ms", "made.other"), "no limit 'made.other'"),
        ((None, "ms"), "a figure, or what is needed"),
    ):
        with pytest.raises(UsageError, match=says):
            Row("one", *given)
    with pytest.raises(UsageError, match="no kind quick"):
        Row("one", 5, "ms", kind="quick")


def test_rows_as_json(run):
    code, out, _ = run(Row("one", 4, "octets", "made.least", kind="ratio"), json=True)
    told = json.loads(out)
    assert (told["part"], told["what"], told["measured"], told["kept"]) == ("made", "one", 4, False)
    assert (told["kind"], told["limit"], told["least"], told["value"], told["goal"]) == (
        "ratio",
        "made.least",
        True,
        5,
        9,
    )
    kept = json.loads(results.PATH.read_text())
    assert kept == {"made": {"title": "A part", "rows": [{k: v for k, v in told.items() if k != "part"}]}}


def test_each_row_has_a_name(run):
    run(
        Row("one", 5, "ms"),
        Row("  a", 6, "ms"),
        Row("  a", 7, "ms"),
        Row("two", 5, "ms"),
        Row("  a", 8, "ms"),
    )
    figures = {name: row["measured"] for (_, name), row in results.named(results.load(results.PATH)).items()}
    assert figures == {"one": 5, "one: a": 6, "one: a (2)": 7, "two": 5, "two: a": 8}


def test_a_part_is_measured_by_its_name_and_leaves_the_others(run):
    run(Row("one", 4, "octets"))
    run(Row("two", 5, "octets"), parts=["other"])
    assert [row["what"] for row in results.named(results.load(results.PATH)).values()] == ["one", "two"]
    with pytest.raises(UsageError, match="no part more; there are made, other"):
        run(Row("one", 4, "octets"), parts=["more"])


def test_a_part_that_can_not_be_measured_does_not_end_the_others(run):
    """What is known of it stays as it was."""
    run(Row("one", 4, "octets"))
    code, _, error = run(UsageError("valgrind is missing. apt install valgrind"), parts=["made", "other"])
    assert code == 1
    assert error.splitlines() == [
        f"bench: {part} could not be measured. valgrind is missing. apt install valgrind"
        for part in ("made", "other")
    ]
    assert results.load(results.PATH)["made"]["rows"][0]["measured"] == 4
    # What nobody thought of is shown where it was
    code, _, error = run(ZeroDivisionError("of nothing"), parts=["made", "other"])
    assert code == 1 and error.count("Traceback") == error.count("could not be measured. of nothing") == 2


@pytest.mark.parametrize(
    ("kind", "before", "now", "same"),
    [
        ("exact", 100, 100, True),
        ("exact", 100, 101, False),
        ("exact", 0, 0, True),
        ("ratio", 1.0, 1.1, True),
        ("ratio", 1.1, 1.0, True),
        ("ratio", 1.0, 1.11, False),
        ("ratio", 1.0, 0.9, False),
        ("ratio", 0, 1, False),
        ("machine", 100, 900, True),
    ],
)
def test_two_runs(run, tmp_path, kind, before, now, same):
    run(Row("head", 1, "ms"), Row("  one", before, "ms", kind=kind))
    # The file of this run itself serves, too
    code, _, error = run(
        Row("head", 1, "ms"), Row("  one", now, "ms", kind=kind), against=tmp_path / "bench/bench.json"
    )
    assert (code == 0) is same
    assert same or f"made: head: one: {now} ms ({kind}) in place of {before} ms" in error


def test_two_runs_with_other_rows(run, tmp_path):
    other = tmp_path / "other.json"
    run(Row("one", 1, "ms"), Row("two", 1, "ms"))
    results.PATH.rename(other)
    code, _, error = run(Row("one", 1, "ms"), Row("three", 1, "ms"), against=other)
    assert code == 1
    assert error.splitlines() == [
        "bench: made: three: only in this run",
        "bench: made: two: only in the other run",
    ]
    code, _, error = run(Row("one", 1, "ms"), parts=["other"], against=other)
    assert (code, error) == (1, "bench: other: not in the other run\n")
    code, _, error = run(Row("one", 1, "ms"), Row("two", None, "ms", needs="a"), against=other)
    assert code == 1 and "made: two: not measured (exact) in place of 1 ms" in error


@pytest.mark.parametrize("text", ["", "[]", "{", '{"made": {"rows": [{"what": "one"}]}}'])
def test_a_run_that_is_none(run, tmp_path, text):
    path = tmp_path / "other.json"
    with pytest.raises(UsageError, match="No such file.*make bench"):
        run(Row("one", 1, "ms"), against=path)
    path.write_text(text)
    with pytest.raises(UsageError, match="is no bench.json"):
        run(Row("one", 1, "ms"), against=path)


def test_charts(run):
    """Ours and theirs, one that was not measured, a limit; the picture is of both colours and its text is text."""
    run(
        Row("ours", 4, "octets", "made.most", chart="Octets <each>"),
        Row("theirs", 8, "octets", chart="Octets <each>", by="umqtt & co"),
        Row("others", None, "octets", chart="Octets <each>", by="mqtt_as", needs="PEERS"),
        Row("alone", 4, "octets"),
    )
    (path,) = results.PATH.parent.glob("*.svg")
    assert path.name == "octets-each.svg"
    root = ElementTree.fromstring(path.read_text())
    assert root.find(f"{SVG}title").text == "Octets <each>"
    texts = [text.text for text in root.findall(f"{SVG}text")]
    assert texts == ["Octets <each>", "ours", "4 octets", "umqtt & co", "8 octets", "mqtt_as", "not measured"]
    bars = {bar.get("class"): float(bar.get("width")) for bar in root.findall(f"{SVG}rect")}
    (limit,) = root.findall(f"{SVG}line")
    widths = [float(bar.get("width")) for bar in root.findall(f"{SVG}rect")[1:]]
    assert set(bars) == {"ground", "ours", "other"} and widths[0] * 2 == widths[1] and widths[2] == 0
    assert float(limit.get("x1")) == pytest.approx(charts.LABELS + widths[1] * 5 / 8, abs=0.1)
    assert "prefers-color-scheme: dark" in root.find(f"{SVG}style").text
    # A chart that is no more goes
    run(Row("ours", 4, "octets", "made.most"))
    assert list(results.PATH.parent.glob("*.svg")) == []


def test_a_folder_of_peers(run, tmp_path):
    assert packages.folder_with("umqtt.simple") is None
    with pytest.raises(UsageError, match="is no folder"):
        run(Row("one", 1, "ms"), peers=tmp_path / "none")
    with pytest.raises(
        UsageError, match="has none of umqtt.simple, mqtt_as, microcoapy; .venv/bin/micropython"
    ):
        run(Row("one", 1, "ms"), peers=tmp_path)
    for name in ("umqtt/simple.py", "mqtt_as/__init__.mpy"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    run(Row("one", 1, "ms"), peers=tmp_path)
    assert packages.folder_with("umqtt.simple") == packages.folder_with("mqtt_as") == tmp_path
    assert packages.folder_with("microcoapy") is None
    for name in packages.PACKAGES:
        assert name in packages.advice(name) and "PEERS=peers" in packages.advice(name)


@pytest.fixture
def block(monkeypatch, tmp_path):
    """A README with two lines of figures, below `tmp_path`."""
    lines = [
        readme.Line("the first", "made", "one", "made.missed"),
        readme.Line("one more", "made", "one: of it"),
        readme.Line("a third", "made", "three", "made.least"),
    ]
    monkeypatch.setattr(readme, "BLOCKS", {"README.md": lines})
    path = tmp_path / "README.md"
    path.write_text(f"# A title\n\n{readme.BEGIN}\n{readme.END}\n\nThe end.\n")
    return path


def test_the_figures_of_the_readme(run, block):
    run(
        Row("one", 6, "octets", "made.missed"),
        Row("  of it", 1234.5, "ms"),
        Row("three", None, "octets", "made.least", needs="a peer"),
    )
    parts = results.load(results.PATH)
    readme.write(parts, block.parent)
    assert (
        block.read_text()
        == f"""# A title

{readme.BEGIN}

| what | measured | limit |
| --- | --- | --- |
| the first | 6 octets | at most 5 octets: **not kept**, the weather |
| one more | 1,234.5 ms |  |
| a third | not measured yet | at least 5 octets |

{readme.END}

The end.
"""
    )
    # What was not measured this time stays
    run(
        Row("one", 5, "octets", "made.missed"),
        Row("  of it", None, "ms", needs="a peer"),
        Row("three", 5, "octets", "made.least"),
    )
    readme.write(results.load(results.PATH), block.parent)
    text = block.read_text()
    assert "| the first | 5 octets | at most 5 octets |\n| one more | 1,234.5 ms |  |" in text
    assert readme.figures("README.md", text) == {
        ("made", "one"): (5, "octets"),
        ("made", "one: of it"): (1234.5, "ms"),
        ("made", "three"): (5, "octets"),
    }
    assert readme.written("made.least", block.parent) == [5] and readme.written("other", block.parent) == []
    readme.write({}, block.parent)
    assert block.read_text() == text


def test_a_readme_that_has_no_place_for_figures(run, block):
    run(Row("one", 6, "octets", "made.missed"))
    block.write_text("# A title\n")
    with pytest.raises(UsageError, match="README.md has no place for the figures"):
        readme.write(results.load(results.PATH), block.parent)


def test_a_line_of_the_readme_whose_row_is_gone(run, block):
    run(Row("one", 6, "octets", "made.missed"))
    with pytest.raises(UsageError, match="made has no row 'one: of it' any more"):
        readme.write(results.load(results.PATH), block.parent)


def test_a_line_of_the_readme_with_another_limit(run, block):
    run(Row("one", 6, "octets"))
    with pytest.raises(UsageError, match="one has the limit None, and made.missed in readme.py"):
        readme.write(results.load(results.PATH), block.parent)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a = 5", "a stands in no group"),
        ("[g]\na = 5", "g.a: a limit is"),
        ('[g]\na = { unit = "s" }', "g.a: one of at_most and at_least"),
        ('[g]\na = { unit = "s", at_most = 5, at_least = 5 }', "one of"),
        ('[g]\na = { unit = "s", at_mots = 5 }', "no member 'at_mots'; there are at_least, at_most"),
        ('[g]\na = { unit = "s", at_most = 5, held = 6 }', "held and why go together"),
        ('[g]\na = { unit = "s", at_most = 5, why = "so" }', "held and why go together"),
        ('[g]\na = { unit = "s", at_most = 5, held = 5, why = "so" }', "the limit is kept"),
        ('[g]\na = { unit = "s", at_most = 5, goal = 6 }', "goal"),
        ("[g", "limits.toml: "),
    ],
)
def test_a_file_of_limits_that_is_wrong(tmp_path, text, says):
    (tmp_path / "limits.toml").write_text(text)
    with pytest.raises(UsageError, match=says):
        limits.read(tmp_path / "limits.toml")
