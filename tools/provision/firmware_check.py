# SPDX-License-Identifier: MIT
"""The firmware's own opinion of configurations. A program, run by `check.py`: firmware stays out of the tools, and
what is wrong is said in the words that the device has for it.

argv: the folder `firmware`. stdin: a JSON array with the text of each msgin5g.json, null for one that is not there.
stdout: a JSON array of [key, sentence, row]: the key that is wrong and the sentence of its ConfigError, or null and
null; the row of the storage where the sequence numbers of its OSCORE key are, or null.
"""

import errno
import io
import json
import sys

sys.path.insert(0, sys.argv[1])

from msgin5g import ApplicationClient, Client, Config, ConfigError, MemoryStorage  # noqa: E402


class Watched(MemoryStorage):
    """Notices which row a client looks for its sequence numbers in."""

    row = None

    def read(self, name, offset, size):
        if name.startswith("oscore-"):
            self.row = name
        return super().read(name, offset, size)


def check(text):
    def open_text(path):
        if text is None:
            raise FileNotFoundError(errno.ENOENT, "")
        return io.StringIO(text)

    from msgin5g import config_check  # anew each time: a configuration that is read unloads it

    # What Config.load() opens: keys go into no file for this.
    config_check.open = open_text
    storage = Watched()
    try:
        config = Config.load("msgin5g.json")
        role = Client if config.role == "client" else ApplicationClient
        role(config, storage)
    except ConfigError as error:
        return error.key, str(error), storage.row
    return None, None, storage.row


json.dump([check(text) for text in json.load(sys.stdin)], sys.stdout)
