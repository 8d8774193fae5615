# SPDX-License-Identifier: MIT
"""Where a device's configuration lies: a file here, the folder of a unix board, a board at a port.

A place has `name`, for sentences; `option` and `where`, which name it on the command line; and
read() -> octets, or None where there are none
mark() -> what tells this device from all others, None for a file, and where that can't be known
has_row(row) -> whether the device's storage has that row, None where that can't be known
refusal(staged) -> why the firmware there would not start with what is there, or was staged; None where it would, or
where there is none to be asked
stage(octets): puts them beside the old ones, reads them back and compares. Raises UsageError
commit(): puts them in the place of the old ones, in one step
discard(): takes back what was staged
"""

from tools import private
from tools.device import CONFIG_NAME
from tools.errors import UsageError
from tools.words import complain, why

ROWS = "messages"  # the folder that boards keep their storage in
STAGED = CONFIG_NAME + "~"
DIFFERENT = (
    "what was read back is not what was written: nothing was changed. Try again; else its flash is worn out"
)


class FilePlace:
    """A file on this computer that only its owner can read."""

    option = "--out"

    def __init__(self, path):
        self.name = str(path)
        self.where = path
        self.path = path
        self._staged = None

    def read(self):
        if private.mend(self.path):
            complain("provision: " + private.MENDED.format(self.path))
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UsageError(f"{self.name}: {why(error)}") from None

    def mark(self):
        return None

    def has_row(self, row):
        return None

    def refusal(self, staged=False):
        return None

    def stage(self, octets):
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._staged = private.stage(self.path, octets)
            same = self._staged.read_bytes() == octets
        except OSError as error:
            self.discard()
            raise UsageError(f"{self.name}: {why(error)}") from None
        if not same:
            self.discard()
            raise UsageError(f"{self.name}: {DIFFERENT}")

    def commit(self):
        try:
            self._staged.replace(self.path)
        except OSError as error:
            raise UsageError(f"{self.name}: {why(error)}") from None

    def discard(self):
        if self._staged is not None:
            self._staged.unlink(missing_ok=True)


class StatePlace(FilePlace):
    """The folder that is the flash of a unix board (`msgin5g device --state`)."""

    option = "--state"

    def __init__(self, folder):
        super().__init__(folder / CONFIG_NAME)
        self.where = folder

    def mark(self):
        return f"the folder {self.where.resolve()}"

    def has_row(self, row):
        return (self.path.parent / ROWS / row).exists()


class BoardPlace:
    """A board at a port. `board` is a tools.line.remote.Board, `firmware` whether it has ours."""

    option = "--port"

    def __init__(self, board, firmware):
        self.name = f"{CONFIG_NAME} on {board.port}"
        self.where = board.port
        self._board = board
        self._firmware = firmware

    def read(self):
        return self._board.read(CONFIG_NAME)

    def refusal(self, staged=False):
        return self._board.opinion(STAGED if staged else CONFIG_NAME) if self._firmware else None

    def mark(self):
        number = self._board.unique_id()
        return number and f"the board {number}"

    def has_row(self, row):
        return self._board.exists(f"{ROWS}/{row}")

    def stage(self, octets):
        try:
            self._board.write(STAGED, octets)
            same = self._board.read(STAGED) == octets
        except UsageError:
            self.discard()
            raise
        if not same:
            self.discard()
            raise UsageError(f"{self.name}: {DIFFERENT}")

    def commit(self):
        self._board.rename(STAGED, CONFIG_NAME)

    def discard(self):
        """A board that is gone keeps it; the next time it is written over."""
        try:
            self._board.remove(STAGED)
        except UsageError:
            pass
