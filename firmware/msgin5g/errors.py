# SPDX-License-Identifier: MIT
"""The errors that an application may see; all of them are importable from `msgin5g`."""


class ConfigError(ValueError):
    """A key of the configuration is missing or wrong. `key` names it ("coap.nstart"), str() says what is allowed."""

    def __init__(self, key, allowed):
        super().__init__("%s: %s" % (key, allowed))
        self.key = key


class OutboxFull(Exception):
    """The outbox has no room: the message was not taken. Wait for others to end, or raise outbox.* ."""


class StorageError(OSError):
    """The board's storage failed: the message was not taken. Free space, or send with volatile=True.

    `args` are the errno and a sentence.
    """

    def __init__(self, error):
        super().__init__(
            error.args[0] if error.args else None, "the storage failed: the message was not taken"
        )


class BodyError(ValueError):
    """A JSON body breaks clause 7.3 of TS 24.538. `member` names the culprit, str() is fit for a diagnostic payload."""

    def __init__(self, member, why):
        super().__init__("%s: %s" % (member, why))
        self.member = member
