# SPDX-License-Identifier: MIT
"""What the docstring of coap.oscore and docs/security.md print runs as it is, with nothing but `coap` on the path; and
a storage needs no more than the docstring says.
"""

import os
import re
import subprocess
import textwrap

import pytest

import coap
import coap.oscore

from ..served import COMMANDS, INTERPRETERS, ROOT

PRINTED = {
    "docstring": textwrap.dedent(coap.oscore.__doc__.partition("\n\n")[2].partition("\n\nImported only")[0]),
    "page": re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs/security.md").read_text(), re.DOTALL | re.MULTILINE
    )[0],
}
# one request of each side, as it is on the wire
ASK = """
from coap import Message, POST
for number in range(2):
    endpoint.request(Message(POST, b"text"), "peer", 0)
    print(bytes(endpoint.outgoing()[0])[8:].hex())
    endpoint.cancel(endpoint._exchanges[0], 0)
"""


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("where", PRINTED)
def test_it_runs(where, interpreter, tmp_path):
    path = tmp_path / "path"
    path.mkdir()
    (path / "coap").symlink_to(ROOT / "firmware/coap")
    program = tmp_path / "program.py"
    program.write_text(PRINTED[where] + ASK)
    seen = []
    for _ in range(2):
        done = subprocess.run(
            [*COMMANDS[interpreter], str(program)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(path), "MICROPYPATH": f"{path}:.frozen"},
            capture_output=True,
            text=True,
        )
        assert done.stderr == "", done.stderr
        seen += done.stdout.split()
    # Option 9 of 3 octets: flags 09, Partial IV, kid 01. What runs again goes on behind the 64 numbers of before.
    assert [line[:8] for line in seen] == ["93090001", "93090101", "93094001", "93094101"]
    assert len(set(seen)) == 4
    assert len(list((tmp_path / "keys").iterdir())) == 1


class Least:
    """Has what the docstring says a Context asks for, and nothing else."""

    def __init__(self):
        self.files = {}

    def read(self, name, offset, size):
        return self.files.get(name, b"")[offset : offset + size]

    def replace(self, name, octets):
        assert re.fullmatch("[a-z0-9-]{1,32}", name)
        assert len(octets) < 100
        self.files[name] = bytes(octets)


@pytest.mark.parametrize("kind", ["Context", "RenewableContext"])
def test_a_storage_needs_two_calls(kind):
    make = getattr(coap.oscore, kind)
    ends = [
        coap.Endpoint(security=coap.oscore.Security(make(bytes(16), *ids, Least())))
        for ids in ((b"\x01", b""), (b"", b"\x01"))
    ]
    for number in range(200):
        asker, server = ends[number & 1], ends[~number & 1]
        asker.request(coap.Message(coap.POST, b"%d" % number), ends.index(server), 0)
        moved = True
        while moved:
            moved = False
            for index, end in enumerate(ends):
                while item := end.outgoing():
                    ends[item[1]].receive(bytes(item[0]), index, 0)
                    moved = True
            event = server.next_event()
            if event:
                assert bytes(event[2].payload) == b"%d" % number
                server.respond(event[1], coap.Message(coap.CHANGED), 0)
                moved = True
        assert asker.next_event()[2].code == coap.CHANGED
