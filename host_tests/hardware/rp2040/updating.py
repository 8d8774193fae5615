# SPDX-License-Identifier: MIT
"""An emulated Pico and the server that updates it, in one time, which stands still while anything else works: an hour
in which the board sleeps costs nothing, and each run is the same.
"""

import json
import random

import aiocoap

from host_tests.hardware.rp2040.guarded import OLD, GuardedPico
from host_tests.tools.update import corpus
from tools import private
from tools.bench.device.pico import SilentError
from tools.bench.device.rp2040 import flash_image
from tools.server.delivery.pushes import Outcome
from tools.server.server import Server
from tools.server.settings import Settings
from tools.store.server.bundletables import StoredBundle
from tools.store.server.updatetables import Plan
from tools.store.store import Store
from tools.transport import requests
from tools.wire.identity import Peer

UE = "ue:pico@example.org"
CONFIG = {
    "role": "client",
    "ue_service_id": UE,
    "peer": "coap+uart://0",
    "update": {"key": corpus.public().hex()},
}
BEGAN = 1_800_000_000.0  # the server's time when the board is switched on
STEP_MS = 1_000  # of the board, until the server may have something to do again
ANSWER_MS = 10_000  # of the board, until what was sent to it counts as lost


class UpdatedPico(GuardedPico):
    """A context manager, like Pico, under OSCORE; what its gateway says is what a server decides. `states` has those of
    each bundle that was sent, by its number: what the device was told to be in, one after the other. `firmware` is what
    its file system has of that, {path: octets}, where the image does not have it frozen."""

    def __init__(self, image, folder, app, board="rp2040", firmware=None):
        contents = {"msgin5g.json": json.dumps(CONFIG | {"security": OLD}).encode(), "app.py": app}
        private.replace(folder / "flash.bin", flash_image(contents | (firmware or {})))
        super().__init__(image, folder / "flash.bin")
        self._board = board
        self.states = []
        self.causes = []
        self._read = 0  # lines of `told` that were looked at
        self._peer = Peer("192.0.2.1", 5683)
        self._store = Store(":memory:")
        self._server = Server(self._store, Settings(open=True), self._emit, rng=random.Random(1))
        self._server.start(BEGAN)

    def __exit__(self, *error):
        super().__exit__(*error)
        self._store.close()

    @property
    def now(self):
        return BEGAN + self.ms / 1000

    def _emit(self, event, **fields):
        if event == "update":
            self.states.append(fields["state"])
            self.causes.append(fields.get("cause") or "")

    def send(self, number, contents, **values):
        """Begins an update of this board: {path: octets}, and other values of the manifest."""
        made = corpus.good(contents=contents, number=number, boards=(self._board,), **values)
        bundle = StoredBundle(made.id, "app", "garden", str(number), number, 60, len(made.contents))
        self.states.clear()
        self.causes.clear()
        with self._store.transaction():
            self._store.add_bundle(bundle, made.manifest, made.signature, made.contents, self.now)
            self._store.add_update(bundle, [UE], Plan(), self.now)
        self._server.changed()

    def until_told(self, line, seconds=60):
        """Runs until the board prints this line, anew."""
        self.serve(lambda: line in self.told[self._read :], f"a line {line!r}", seconds)
        self._read = len(self.told)

    def ends(self, state, seconds):
        """Runs until the server knows the device to be in a final state, which must be this one."""
        self.serve(
            lambda: {"confirmed", "refused", "rolled-back", "stopped"} & {*self.states}, state, seconds
        )
        assert self.states[-1] == state, (self.states, self.causes, self.told[-12:])

    def said(self, line):
        """Whether the board has printed this line since until_told() or said() last looked."""
        found = line in self.told[self._read :]
        self._read = len(self.told)
        return found

    def serve(self, wanted, what, seconds):
        """Runs board and server until `wanted()` gives something, and gives that. SilentError after so many seconds."""
        end = self.ms + 1000 * seconds
        while not wanted():
            if self.ms >= end:
                raise SilentError(
                    f"expected {what}; {self.states}; the board said: " + " / ".join(self.told[-12:])
                )
            with self._store.transaction():
                pushes = self._server.work(self.now)
            for push in pushes:
                try:
                    code = str(self.post(push.body, ANSWER_MS).code).split(" ")[0]
                    outcome = Outcome.of_coap(code)
                except SilentError:
                    outcome = Outcome("later", "no answer", None, False)
                with self._store.transaction():
                    self._server.outcome(push, outcome, self.now)
            if not pushes:
                to_board, self._asked = self._asked, b""
                self._asked = self._run(STEP_MS, to_board)
        return wanted()

    def _answer_to(self, message):
        with self._store.transaction():
            answer = self._server.request(self._peer, 50, message.payload, self.now)
        made = requests.response(answer)
        made.mtype, made.mid, made.token = aiocoap.ACK, message.mid, message.token
        return made
