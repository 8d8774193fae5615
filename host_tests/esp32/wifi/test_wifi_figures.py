# SPDX-License-Identifier: MIT
# heap: 512k, the scenes and the page lie in it
"""The table of docs/bench.md, and what the README says of it, is what comes out: virtual time has no other."""

import figures
from scene import DRIVERS

PAGE = "../../../docs/bench.md"


def test_the_table_is_as_measured():
    with open(PAGE) as file:
        lines = file.read().split("\n")
    head = figures.HEAD.split("\n")
    begin = lines.index(head[0])
    assert lines[begin + 1] == head[1]
    end = lines.index("", begin)
    measured = list(figures.rows())
    for said, row in zip(lines[begin + 2 : end], measured):
        assert said == row, "\n  docs/bench.md  %s\n  measured       %s" % (said, row)
    assert end - begin - 2 == len(measured), (
        "python -m host_tests.esp32.wifi gives the table of docs/bench.md"
    )
    worst = max(float(row.split(" s |")[-2].split("|")[-1].split(";")[-1].strip()) for row in measured)
    said = "with %d kinds of driver | %d scenes, joined within %.1f s" % (
        len(DRIVERS),
        len(measured),
        worst,
    )
    with open("../../../README.md") as file:
        assert said in file.read(), "README.md: " + said
