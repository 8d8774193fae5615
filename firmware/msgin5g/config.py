# SPDX-License-Identifier: MIT
"""The configuration of a device: `msgin5g.json` (TS 24.538 clause 6.2 leaves its form open)."""

from coap.compat import unload


class Config:
    """The configuration, every key present and in its bounds; sections are dicts named as in the file.

    Raise ConfigError, which names the key and says what is allowed. Keys never show in repr().
    """

    def __init__(self, data: dict) -> None:
        from . import config_check

        config_check.fill(self, data)
        unload("msgin5g.config_check")  # what checks is needed once, and makes room for what runs

    @classmethod
    def load(cls, path: str) -> "Config":
        """Return the configuration in the JSON file `path`. Raise ConfigError, also for a file that is not there."""
        from . import config_check

        return cls(config_check.read(path))

    given = None  # the attributes as the file has them, once `change` was called

    def change(self, name: str, value: object) -> None:
        """Set an attribute to what the other side says in place of what the file says."""
        if self.given is None:
            self.given = dict(self.__dict__)
        setattr(self, name, value)

    def __repr__(self):
        return "<Config %s %s at %s, security %s>" % (
            self.role,
            self.ue_service_id or self.ue_id,
            self.peer,
            self.security["mode"],
        )
