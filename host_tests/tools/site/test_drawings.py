# SPDX-License-Identifier: MIT
"""The diagrams of docs/ say what is so: the rooms and their imports, the records on flash, the steps of a message."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from host_tests.house.test_architecture import DEVICE_MODULES, imports
from host_tests.house.test_documents import rows
from tools.project.drawings import __main__ as drawings
from tools.project.drawings import flash, layers, svg, system, way

ROOT = drawings.DOCS.parent
# Modules of the package that have no room: what each room may need; the package finds the names of its errors.
SHARED = {"config", "config_check", "errors", "events", "security", "timing"}
SVG = "{http://www.w3.org/2000/svg}"


def test_the_files_are_those_that_are_drawn():
    drawn = {name: (drawings.DOCS / name).read_text() for name in drawings.DRAWINGS}
    assert drawn == drawings.texts(), "draw them anew: make docs"


@pytest.mark.parametrize("name", drawings.DRAWINGS)
def test_each_is_a_picture_that_says_what_it_shows(name):
    """And names no other file: a picture in a page may ask for none."""
    root = ET.fromstring((drawings.DOCS / name).read_text())
    assert root.find(f"{SVG}title").text
    boxes = [each for each in root.iter(f"{SVG}rect")]
    width, height = float(root.get("width")), float(root.get("height"))
    for box in boxes[1:]:
        x, y, w, h = (float(box.get(key)) for key in ("x", "y", "width", "height"))
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
    assert not [
        value for each in root.iter() for key, value in each.attrib.items() if "href" in key or "://" in value
    ]


def test_words_that_are_too_wide_for_their_box_are_refused():
    with pytest.raises(ValueError, match="wider than its box of 40"):
        svg.Drawing(100, 100, "a box").box(0, 0, 40, 20, ["far too long for it"])


def room(module):
    """The room of a module, None where it has none."""
    if module == "main" or module.removeprefix("msgin5g.") in SHARED:
        return None
    return max((name for name in layers.ROOMS if f"{module}.".startswith(f"{name}.")), key=len)


def test_the_arrows_between_the_rooms_are_the_imports():
    """Those that remain where what follows from others is left out."""
    graph = {}
    for module, path in DEVICE_MODULES.items():
        for target in imports(module, path, DEVICE_MODULES)[0]:
            ends = room(module), room(target)
            # The package itself finds a name where it lives: for a room below it that is an error, or shared.
            if None not in ends and ends[0] != ends[1] and (target != "msgin5g" or ends[0] == "device"):
                graph.setdefault(ends[0], set()).add(ends[1])

    def reached(name, without=None):
        found = set()
        waiting = [each for each in graph.get(name, ()) if each != without]
        while waiting:
            each = waiting.pop()
            found.add(each)
            waiting += graph.get(each, ())
        return found

    needed = {(a, b) for a in graph for b in graph[a] if b not in reached(a, without=b)}
    assert {(above, below) for above, below, *_ in layers.ARROWS} == needed
    assert set(graph) | {"coap", "base"} == set(layers.ROOMS)


def test_what_is_said_of_a_room_is_in_it():
    for name, (_, _, _, what) in layers.ROOMS.items():
        for file in re.findall(r"\w+\.py", what):
            assert (ROOT / "firmware" / name / file).exists()


LIFE = """
import json
from common import equal
from msgin5g_scene import Scene, imdn, msg

def kinds(scene):
    octets, found, at = b"", "", 0
    for name in scene.storage.names():
        equal(name, "log-1")
        octets = scene.storage.read(name, 0, 1 << 16)
    while at < len(octets):
        found += chr(octets[at + 1])
        at += 8 + int.from_bytes(octets[at + 2 : at + 4], "big")
    return found

scene = Scene().start()
out = []
scene.on_event = lambda kind, subject: None
sent = scene.send(report=True)
out.append((sent.state, kinds(scene)))
scene.post(imdn(sent.message_id))
out.append((sent.state, kinds(scene)))
scene = Scene().start()
code = scene.post(msg(more='"isDelivStatReq":true,')).code
came = [(code, kinds(scene))]
scene.take()
came.append((scene.kinds()[-1], kinds(scene)))
scene.send()
came.append(("", kinds(scene)))
print(json.dumps([out, came]))
"""


def test_the_records_on_flash_are_those_that_the_firmware_writes():
    """docs/flash-format.md: 0xA7, kind (1), length (2), the body, CRC (4). A peer that accepts and reports at once."""
    path = ":".join(
        str(ROOT / each)
        for each in ("firmware", "host_tests/device/helpers", "host_tests/device/helpers/endpoints")
    )
    run = [sys.executable, "-c", LIFE]
    done = subprocess.run(run, env={"PYTHONPATH": path}, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    out, came = json.loads(done.stdout)
    (returned, accepted, delivered), (arrived, taken, reported, following) = flash.OUT, flash.IN
    # 2.04 has come, its record has not been written, and is with the next
    assert out == [["accepted", accepted[1]], ["delivered", delivered[1]]]
    assert returned[1] == accepted[1] and accepted[1] + accepted[2] + "E" == delivered[1]
    # 68: 2.04
    assert came[:2] == [[68, arrived[1]], ["IMDN", taken[1]]] and came[1][1] == reported[1]
    assert came[2][1].removesuffix("E") == following[1] == reported[1] + reported[2] + "S"


def test_each_step_of_the_way_is_one_of_the_table():
    steps = [number for *_, number in way.STEPS if number]
    table = [cells[0] for cells in rows("architecture.md", "| step | where | what a cut here leaves |")]
    assert sorted(set(steps)) == table and steps == sorted(steps)


def test_the_record_of_each_step_of_the_way_is_that_of_the_other_picture():
    written = "".join(
        re.findall(r"\b[A-Z]\b", " ".join(what for *_, what, _ in way.STEPS if what.startswith("record")))
    )
    assert flash.OUT[-1][1].removeprefix("VK") == written


def test_the_commands_of_the_picture_are_commands():
    shown = re.findall(r"msgin5g ([a-z]+)<", system.drawing().text())
    run = [sys.executable, "-m", "tools.cli", "--help"]
    listed = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert len(shown) == 2 and all(re.search(rf"^ +{name}\b", listed, re.M) for name in shown)
