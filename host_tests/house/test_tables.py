# SPDX-License-Identifier: MIT
"""The pages that are made of tables of the firmware are current, and the tables are whole."""

import ast

import pytest

from tools.project import tables


@pytest.mark.parametrize("name", tables.PAGES)
def test_the_page_is_current(name):
    assert (tables.DOCS / name).read_text() == tables.PAGES[name](), "make tables"


def rows(table):
    return table.strip().split("\n")


def test_every_cell_of_the_policy_means_something():
    tables._firmware()
    from msgin5g.rules import policy

    names = [row.split()[0] for row in rows(policy.BACKOFFS)]
    kinds = [row.split()[0] for row in rows(policy.REQUESTS)]
    for each in (names, kinds, policy.CODES):
        assert len(set(each)) == len(each)
    for kind, backoff, tries, letters in map(str.split, rows(policy.REQUESTS)):
        assert len(letters) == len(policy.CODES) and set(letters) <= set("dearl"), kind
        # what may be sent again has a back-off, and what has none is sent once
        again = set(letters) & set("arl")
        assert (backoff in names) if again - {"r"} else (backoff, tries) == ("-", "1"), kind
        assert policy.max_tries(kind) == int(tries), kind
    for name, *figures in map(str.split, rows(policy.BACKOFFS)):
        first, longest, growth = map(int, figures)
        assert 0 < first <= longest and growth >= 0, name


def test_the_columns_stand_below_one_another():
    """A reader looks along a column."""
    tables._firmware()
    from msgin5g.rules import policy

    for table in (policy.REQUESTS, policy.BACKOFFS):
        assert len({len(row) for row in rows(table)}) == 1


@pytest.mark.parametrize("code", range(256))
def test_an_unknown_code_is_the_first_of_its_class(code):
    """RFC 7252 section 5.9."""
    tables._firmware()
    from msgin5g.rules import policy

    for kind, *_, letters in map(str.split, rows(policy.REQUESTS)):
        known = dict(zip(policy.CODES, letters, strict=True))
        generic = {2: 0x40, 4: 0x80, 5: 0xA0}.get(code >> 5, 0x80)
        if code >= 0x20:
            assert policy.verdict(code, kind) == known.get(code, known[generic])


def test_a_new_kind_and_a_new_back_off_are_rows(monkeypatch):
    """One file: the page is made of them as of the others."""
    tables._firmware()
    from msgin5g.rules import policy

    row = "STATUS patient 9 " + rows(policy.REQUESTS)[0].split()[3]
    monkeypatch.setattr(policy, "REQUESTS", policy.REQUESTS + "\n" + row)
    monkeypatch.setattr(policy, "BACKOFFS", policy.BACKOFFS + "\npatient 1500 60000 5000")
    page = tables.retries()
    assert "| STATUS | patient | 9 |" in page
    assert "| `patient` | 1.5 s | 60 s | by 5 s |" in page


@pytest.mark.parametrize("name", [name for name, _, _ in tables.MACHINES])
def test_every_state_is_named_and_reached(name):
    table = tables.machine(name)
    from coap.compat import after

    rows = tables.rows_of(table)
    names = [state for state, _, _ in rows]
    assert len(set(names)) == len(names)
    reached = {names[0], "resuming"}  # where one begins: anew, or after a restart
    for state, word, cells in rows:
        assert word in names or word == "", state
        reached |= set(cells.values())
        for event in table[2].split():
            assert after(table, state, event) == cells.get(event)
    assert reached >= set(names)


@pytest.mark.parametrize("name", [name for name, _, _ in tables.MACHINES])
def test_each_event_is_found_at_its_place(name):
    """The events are one string, which is searched: no name may begin within one before it."""
    events = tables.machine(name)[2]
    assert events == " ".join(events.split())
    place = 0
    for event in events.split():
        assert events.index(event) == place, event
        place += len(event) + 1


@pytest.mark.parametrize("name", [name for name, _, _ in tables.MACHINES])
def test_an_event_that_there_is_not_is_no_event(name):
    table = tables.machine(name)
    from coap.compat import after

    with pytest.raises(ValueError):
        after(table, table[0][0], "no such event")


def test_every_table_of_states_is_drawn():
    """What looks like one in any module of the firmware: its third part is the events, its fourth a grid of places."""
    firmware = tables.ROOT / "firmware"
    found = {}
    for path in firmware.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
                parts = [each.value if isinstance(each, ast.Constant) else None for each in node.value.elts]
                if [type(part) for part in parts[1:]] == [bytes, str, bytes]:
                    name = ".".join(path.relative_to(firmware).with_suffix("").parts)
                    found[node.targets[0].id] = name.removesuffix(".__init__")
    assert set(found) == {name for name, _, _ in tables.MACHINES}
    assert set(found.values()) == set(tables.STATED)


def test_no_event_changes_what_is_final():
    machine = tables.machine("OUTGOING")
    from msgin5g.rules import states

    for position, (state, _, cells) in enumerate(tables.rows_of(machine)):
        assert (position >= states.FINAL) == (not cells), state


def test_figures_that_stand_for_names_of_other_modules_are_those():
    """`_POST = const(2)` puts the figure in the place of `numbers.POST`, which costs each use a look-up, and a device
    the whole module."""
    tables._firmware()
    from coap import exchange, numbers
    from msgin5g import events

    found = []
    firmware = tables.ROOT / "firmware"
    for path in firmware.rglob("*.py"):
        of_coap = path.parent == firmware / "coap/endpoint" or path == firmware / "msgin5g/client.py"
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("const("):
                name = node.targets[0].id.removeprefix("_")
                event = name.removeprefix("EVENT_")
                homes = [(numbers, name), (exchange, name)][: 1 + of_coap] + [(events, event)] * (
                    event != name
                )
                for home, name in homes:
                    if hasattr(home, name):
                        found.append(name)
                        assert ast.literal_eval(node.value.args[0]) == getattr(home, name), (path, name)
    assert {"POST", "MAX_AGE", "UNAUTHORIZED", "ACKNOWLEDGED", "NOTIFICATION", "TRIGGER"} <= set(found)
