# SPDX-License-Identifier: MIT
"""What a picture in letters and one in SVG have in common: who takes part, from left to right, and the times."""

from tools.trace.steps import NAMES, ORDER

MOST = 6  # columns


class TooMany(Exception):
    """More take part than a picture has room for; the text says who."""


class Layout:
    """`names`: those of the steps, from left to right; `titles` what people call them; `begin`: the first time."""

    def __init__(self, steps):
        names = {name for step in steps for name in (step.who, step.to) if name is not None}
        self.names = sorted(names, key=lambda name: (ORDER.index(name.split()[0]), name))
        if len(self.names) > MOST:
            raise TooMany(", ".join(self.names[: MOST - 1]) + ", ...")
        self.titles = [_title(name) for name in self.names]
        self.begin = next((step.time for step in steps if step.time is not None), None)


def _title(name):
    kind, _, address = name.partition(" ")
    return " ".join(filter(None, (NAMES[kind], address)))


def when(step, begin):
    """Seconds since the beginning, as text; "" where nobody knows."""
    return "" if step.time is None or begin is None else f"{step.time - begin:.3f}"


def words(step):
    """What a step is called: with how often it was said."""
    return f"{step.what} ×{step.count}" if step.count > 1 else step.what
