# SPDX-License-Identifier: MIT
"""A picture in letters: a column for each who takes part, a row for each step."""

from tools.trace.picture import Layout, when

_TIME = 10
_NARROWEST = 30
_WIDEST = 64  # between two columns


def draw(steps):
    """The lines of a picture."""
    layout = Layout(steps)
    names = layout.names
    apart = min(_WIDEST, max([_NARROWEST, *(len(_words(step)) + 6 for step in steps)]))
    columns = [_TIME + 4 + apart * place for place in range(len(names))]
    yield _line([(column, name) for column, name in zip(columns, layout.titles, strict=True)], centre=True)
    for step in steps:
        yield _row(step, columns, names, when(step, layout.begin))
        yield from _details(step, columns, names)
    yield _line([(column, "|") for column in columns])


def _words(step):
    return f"{step.what} x{step.count}" if step.count > 1 else step.what


def _line(parts, centre=False):
    text = ""
    for column, part in parts:
        at = max(0, column - len(part) // 2) if centre else column
        text = text.ljust(at) + part
    return text.rstrip()


def _rails(columns, time=""):
    text = list(time.rjust(_TIME).ljust(columns[-1] + 1))
    for column in columns:
        text[column] = "|"
    return text


def _put(text, at, part):
    text.extend(" " * (at + len(part) - len(text)))
    text[at : at + len(part)] = part


def _row(step, columns, names, time):
    text = _rails(columns, time)
    here = columns[names.index(step.who)]
    if step.to is None:
        _put(text, here, "* " + _words(step) + ("!" if step.bad else ""))
        return "".join(text).rstrip()
    there = columns[names.index(step.to)]
    low, high = sorted((here, there))
    line = "=" if step.segments else "-"
    room = high - low - 3
    words = f" {_words(step)} "[:room].center(room, line)
    arrow = line + words + (">" if there > here else line)
    if there < here:
        arrow = "<" + arrow[:-1]
    if step.bad and step.said is not None and step.said.is_request:  # nothing came back
        arrow = arrow[:-1] + "X" if there > here else "X" + arrow[1:]
    _put(text, low + 1, arrow)
    return "".join(text).rstrip()


def _details(step, columns, names):
    if not step.detail:
        return
    low = (
        columns[names.index(step.who)]
        if step.to is None
        else columns[min(map(names.index, (step.who, step.to)))]
    )
    text = _rails(columns)
    shown = step.detail
    _put(text, low + 2, shown)
    yield "".join(text).rstrip()
