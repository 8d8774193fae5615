# SPDX-License-Identifier: MIT
"""Pictures of traces, in letters and in SVG: of what a device printed, of a capture, of a message's life."""

import json
import random
import xml.etree.ElementTree

import pytest

from host_tests.tools.trace.test_commands import BODY, post
from tools import trace
from tools.cli import main
from tools.trace import ring, svg, text
from tools.trace.picture import TooMany
from tools.trace.steps import Said, ranges, steps
from tools.wire.capture import Capture as Pcapng

HEAD = "msgin5g trace: ue:a@x at coap://192.0.2.1:65401, events %d, older lost 0, missed 0\n"
# As a device prints it: sent twice, taken and reported. The prompt of a REPL is no part of it.
MESSAGE = (
    ">>> console.trace()\n"
    + HEAD % 10
    + """     0.000 > MSG e4d21cd1 mid 0a2b
     0.001 > CON 0.02 mid 0a2b token bc85863a octets 295
     0.001 . message e4d21cd1 sent
     2.601 > CON 0.02 mid 0a2b token bc85863a octets 295 again 1
     2.630 < ACK 2.04 mid 0a2b token bc85863a octets 8
     2.630 = 2.04 mid 0a2b
     2.630 . message e4d21cd1 accepted
     2.700 < CON 0.02 mid 5a84 token 3731e99f octets 261
     2.701 < IMDN e4d21cd1 mid 5a84 answered 2.04
     2.702 > ACK 2.04 mid 5a84 token 3731e99f octets 8
     2.702 . message e4d21cd1 delivered
>>> \n"""
)


def picture(tmp_path, capsys, printed, *options):
    (tmp_path / "trace.txt").write_text(printed)
    assert main(["trace", "--from", str(tmp_path / "trace.txt"), *options]) == 0
    return capsys.readouterr().out.splitlines()


def texts(path):
    """What an SVG says, by class."""
    root = xml.etree.ElementTree.parse(path).getroot()
    return [(each.get("class"), each.text) for each in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_message_that_was_sent_again(tmp_path, capsys):
    assert picture(tmp_path, capsys, MESSAGE) == [
        "           Device                        Gateway",
        "     0.000    |----------- MSG x2 --------->|",
        "              | e4d21cd1                    |",
        "     2.629    |<------------ 2.04 ----------|",
        "     2.629    * accepted                    |",
        "              | e4d21cd1                    |",
        "     2.699    |<------------ IMDN ----------|",
        "              | e4d21cd1                    |",
        "     2.701    |------------ 2.04 ---------->|",
        "     2.701    * delivered                   |",
        "              | e4d21cd1                    |",
        "              |                             |",
    ]


def test_the_same_in_svg(tmp_path, capsys):
    svg = tmp_path / "trace.svg"
    assert picture(tmp_path, capsys, MESSAGE, "--svg", str(svg)) == []
    said = [text for kind, text in texts(svg) if kind != "when"]
    assert said == [
        *("Device", "Gateway", "MSG ×2", "e4d21cd1", "2.04", "accepted", "e4d21cd1"),
        *("IMDN", "e4d21cd1", "2.04", "delivered", "e4d21cd1"),
    ]
    root = xml.etree.ElementTree.parse(svg).getroot()
    assert root.get("role") == "img" and root.find("{http://www.w3.org/2000/svg}title").text
    assert [each.get("class") for each in root.iter("{http://www.w3.org/2000/svg}g")][:2] == ["again", None]


def said_of(lines):
    return ring.read(HEAD % len(lines) + "\n".join(lines))[0]


def test_segments_are_one_arrow_and_a_gap_is_said():
    lines = []
    for part in (1, 2, 4, 5):
        lines.append(f"     0.00{part} > MSG 869e7241 {part}/5 mid 000{part}")
        lines.append(f"     0.00{part} > NON 0.02 mid 000{part} token 0{part} octets 900")
    lines.append("     5.000 < CON 0.02 mid 0100 token 99 octets 100")
    lines.append("     5.000 < SEGREC - mid 0100 answered 2.04")
    lines.append("     5.001 > MSG 869e7241 3/5 mid 0006")
    lines.append("     5.001 > CON 0.02 mid 0006 token 06 octets 900")
    lines.append("     5.020 < ACK 2.04 mid 0006 token 06 octets 8")
    first, asked, again = steps(said_of(lines))
    assert (first.segments, first.detail) == ((4, 5), "869e7241: segments 1-2, 4-5 of 5")
    assert (asked.what, asked.who, asked.to) == ("SEGREC", "gateway", "device")
    assert (again.segments, again.detail, again.bad) == ((1, 5), "869e7241: segment 3 of 5", False)


def test_what_is_not_confirmable_and_is_lost():
    """It goes again with another message ID: one that nothing came back for is told apart from one that needs no
    answer, as to a group, by the device, which waited."""
    lines = [
        "     0.000 > NON 0.01 mid 0009 token 09 octets 50",
        "     1.000 > MSG e4d21cd1 mid 0001",
        "     1.000 > NON 0.02 mid 0001 token 01 octets 100",
        "     5.000 = time-out mid 0001",
        "     5.000 > MSG e4d21cd1 mid 0002",
        "     5.000 > CON 0.02 mid 0002 token 02 octets 100",
        "     5.020 < ACK 2.04 mid 0002 token 02 octets 8",
    ]
    found, lost, _, again, _ = steps(said_of(lines))
    assert (found.bad, lost.bad, lost.detail, again.bad) == (False, True, "e4d21cd1, no answer", False)


def test_a_segment_that_goes_again_as_another_request():
    lines = []
    for mid, part, type in ((1, 1, "NON"), (2, 2, "NON"), (3, 2, "CON"), (4, 3, "NON")):
        lines.append(f"     {mid}.000 > MSG e4d21cd1 {part}/3 mid 000{mid}")
        lines.append(f"     {mid}.000 > {type} 0.02 mid 000{mid} token 0{mid} octets 900")
        answer = f"< ACK 2.04 mid 000{mid} token 0{mid} octets 8"
        lines.append(f"     {mid}.500 " + ("= time-out mid 0002" if mid == 2 else answer))
    lost = steps(said_of(lines[:6]))[0]
    assert (lost.bad, lost.detail) == (True, "e4d21cd1: segments 1-2 of 3, no answer to 2")
    whole = steps(said_of(lines))[0]
    assert (whole.bad, whole.detail) == (False, "e4d21cd1: segments 1-3 of 3, 1 of them sent again")


def test_what_a_foreign_sender_and_a_slow_console_leave_out():
    said = said_of(
        [
            "     0.000 < CON 0.02 mid 7003 token aa octets 300",
            "     0.001 < MSG 89abcdee 1/? mid 7003 answered 2.04",
            "     0.500 . trace overwritten 12",
        ]
    )
    assert (said[0].kind, said[0].message_id, said[0].part, said[0].parts) == ("MSG", "89abcdee", 1, 0)
    assert said[1].what == "trace overwritten 12"


def test_a_request_that_nothing_came_back_for():
    lines = [
        "     0.000 > REG - mid 0001",
        *(f"     {seconds}.000 > CON 0.02 mid 0001 token 01 octets 90" for seconds in (0, 2, 6, 14, 30)),
        "    62.000 = time-out mid 0001",
        "    62.000 . registration unreachable: no answer",
    ]
    request, end, state = steps(said_of(lines))
    assert (request.what, request.count, request.bad, request.detail) == ("REG", 5, True, "no answer")
    assert (end.what, end.to) == ("time-out", None)
    assert (state.what, state.bad, state.detail) == ("unreachable", True, "no answer")


def test_a_refusal_says_the_code_that_is_within_oscore():
    lines = [
        "     0.000 > REG - mid 0001",
        "     0.000 > CON 0.02 mid 0001 token 01 octets 90",
        "     0.010 < ACK 2.04 mid 0001 token 01 octets 20",
        "     0.010 = 4.03 mid 0001",
        "     0.010 . registration refused: 4.03 not known",
        "     0.011 . journal failed 1",
    ]
    _, answer, state, counter = steps(said_of(lines))
    assert (answer.what, answer.bad) == ("4.03", True)
    assert (state.what, state.detail, state.bad) == ("refused", "4.03 not known", True)
    assert (counter.what, counter.bad) == ("journal failed 1", True)


def test_what_is_missing_is_said(tmp_path, capsys):
    printed = MESSAGE.replace("older lost 0, missed 0", "older lost 7, missed 2")
    (tmp_path / "trace.txt").write_text(printed)
    assert main(["trace", "--from", str(tmp_path / "trace.txt")]) == 0
    said = capsys.readouterr().err
    assert said == "msgin5g: trace: older events that are lost: 7; not noted for want of memory: 2\n"


def test_several_devices_of_a_capture_and_one_of_them(tmp_path, capsys):
    """The server is told from the gateway by --server."""
    capture = Pcapng(tmp_path / "made.pcapng", clock=lambda: 1.0)
    gateway, server = ("192.0.2.1", 65401), ("192.0.2.9", 65401)
    for port in (40001, 40002):
        capture.datagram(post(BODY, mid=port), ("192.0.2.2", port), gateway)
    capture.datagram(post(BODY, mid=7), ("192.0.2.1", 50000), server)
    capture.datagram(b"\x62\x44\x00\x07\xa1\xb2", server, ("192.0.2.1", 50000))
    capture.close()
    path = str(tmp_path / "made.pcapng")
    options = ["trace", "--from", path, "--server", "192.0.2.9:65401"]
    assert main(options) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == [
        *("Device", "192.0.2.2:40001", "Device", "192.0.2.2:40002", "Gateway", "Server"),
    ]
    assert main([*options, "--device", "192.0.2.2:40002"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0].split() == ["Device", "Gateway", "Server"]
    assert said.count(" MSG ") == 2 and said.count("6b7d7d6c from ue:a@x to as:b@x: segment 3 of 7") == 2


def test_a_life_as_the_page_gives_it(tmp_path, capsys):
    step = {"who": "server", "to": None, "state": None, "detail": "", "count": 1}
    steps = [
        step | {"time": 5, "who": "device", "to": "gateway", "what": "MSG", "segments": {"done": 3, "of": 4}},
        step | {"time": 5.1, "to": "as", "what": "POST", "count": 2},
        step | {"time": 5.2, "what": "delivered", "state": "delivered"},
    ]
    life = {"from": "ue:a@x", "to": "as:b@x", "msgId": "1", "state": "delivered", "size": 4, "steps": steps}
    (tmp_path / "life.json").write_text(json.dumps(life))
    assert main(["trace", "--from", str(tmp_path / "life.json")]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0].split() == ["Device", "Gateway", "Server", "Application", "Server"]
    assert "= MSG =" in said and "3 of 4 segments" in said and " POST x2 " in said and "* delivered" in said
    (tmp_path / "life.json").write_text('{"steps": [{"who": "nobody", "what": "x"}]}')
    assert main(["trace", "--from", str(tmp_path / "life.json")]) == 2
    assert "no message's life" in capsys.readouterr().err


def test_a_life_between_two_devices(tmp_path, capsys):
    """The report of the recipient comes from it, and goes to the sender."""
    ways = (
        ("device", "server", "MSG"),
        ("server", "device", "MSG"),
        ("device", "server", "IMDN"),
        ("server", "device", "IMDN"),
    )
    life = {"steps": [{"time": 5, "who": who, "to": to, "what": what} for who, to, what in ways]}
    (tmp_path / "life.json").write_text(json.dumps(life))
    assert main(["trace", "--from", str(tmp_path / "life.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[-1].strip() == "Device (recipient)"
    left, right = (lines[1].index("|"), lines[2].rindex("|"))
    arrows = [(line.strip(" |0."), line.index("MSG" if "MSG" in line else "IMDN")) for line in lines[1:5]]
    middle = (left + right) // 2
    assert [at < middle for _, at in arrows] == [True, False, False, True]
    assert [arrow[0] for arrow, _ in arrows] == ["-", "-", "<", "<"]


@pytest.mark.parametrize("said", ["", "1-3, 5", "1", "1-2"])
def test_ranges(said):
    numbers = set()
    for part in said.split(", ") if said else ():
        low, _, high = part.partition("-")
        numbers |= set(range(int(low), int(high or low) + 1))
    assert ranges(numbers) == said


def test_a_picture_has_room_for_six():
    found = [Said(1.0, f"device {n}", "gateway", type="CON", code="POST", mid=n) for n in range(6)]
    with pytest.raises(TooMany):
        list(text.draw(steps(found)))


def test_an_svg_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "trace.txt").write_text(MESSAGE)
    missing = tmp_path / "none" / "x.svg"
    assert main(["trace", "--from", str(tmp_path / "trace.txt"), "--svg", str(missing)]) == 2
    assert (
        capsys.readouterr().err
        == f"msgin5g: trace: --svg {missing}: No such file or directory: look at the name\n"
    )


def test_whatever_a_printed_trace_may_have_become(tmp_path, capsys):
    """Some characters of it changed, lines doubled: what is left is drawn, and no terminal obeys it."""
    source = random.Random(11)
    alphabet = "0123456789abcdef<>=. /:\x1b\u2028\ud800x-"
    for _ in range(400):
        lines = MESSAGE.splitlines()
        for _ in range(source.randrange(8)):
            at = source.randrange(2, len(lines))
            line = lines[at]
            place = source.randrange(len(line) + 1)
            lines[at] = (
                line[:place] + source.choice(alphabet) * source.choice((0, 1, 1, 30)) + line[place + 1 :]
            )
            if source.randrange(3) == 0:
                lines.insert(at, lines[source.randrange(2, len(lines))])
        said, _ = ring.read("\n".join(lines))
        drawn = steps(said)
        if drawn:
            assert all(line.isprintable() for line in text.draw(drawn))
            xml.etree.ElementTree.fromstring(svg.draw(drawn, "what is left"))


def test_what_has_too_much_or_nothing_in_it(tmp_path, capsys, monkeypatch):
    life = tmp_path / "life.json"
    life.write_text('{"steps": []}')
    printed = tmp_path / "trace.txt"
    printed.write_text(MESSAGE)
    monkeypatch.setattr(trace, "MOST", 3)
    for source, options, said in (
        (life, [], f"nothing was said in {life}"),
        (life, ["--lines"], "a message's life has no lines: leave --lines out"),
        (printed, [], f"{printed} has more than 3 messages: use --lines, or capture less"),
    ):
        assert main(["trace", "--from", str(source), *options]) == 2
        assert capsys.readouterr().err == f"msgin5g: trace: {said}\n"


def test_no_file_is_left_of_a_picture_that_cannot_be_drawn(tmp_path, capsys):
    capture = Pcapng(tmp_path / "made.pcapng", clock=lambda: 1.0)
    for port in range(40001, 40008):
        capture.datagram(post(BODY, mid=port), ("192.0.2.2", port), ("192.0.2.1", 65401))
    capture.close()
    command = ["trace", "--from", str(tmp_path / "made.pcapng"), "--svg", str(tmp_path / "made.svg")]
    assert main(command) == 2
    assert (
        "more devices than a picture has room for: --device HOST:PORT names one of" in capsys.readouterr().err
    )
    assert not (tmp_path / "made.svg").exists()


def test_a_state_stands_before_what_is_asked_because_of_it():
    """A device notes it behind that, in the same milliseconds."""
    lines = [
        "     0.000 > REG - mid 0001",
        "     0.000 > CON 0.02 mid 0001 token 01 octets 90",
        "     0.010 < ACK 2.04 mid 0001 token 01 octets 20",
        "     0.011 > CON 0.02 mid 0002 token 02 octets 90",
        "     0.012 . registration registered",
        "     0.900 . message e4d21cd1 failed: x",
    ]
    assert [step.what for step in steps(said_of(lines))] == ["REG", "2.04", "registered", "POST", "failed"]
