# SPDX-License-Identifier: MIT
"""A picture in SVG, as the page draws the life of a message: a rail for each who takes part, an arrow for each step,
dashed where it was sent again, red where it went wrong, a bar for segments."""

from xml.sax.saxutils import escape

from tools.trace.picture import Layout, when, words
from tools.trace.steps import printable, spans

_GUTTER = 64  # for the times
_LETTER = 6.9  # of one letter, about
_BESIDE = 88  # on either side of the rails, for what happens at one of them
_NARROWEST, _WIDEST = 240, 560  # between two rails
_HEAD, _STEP, _MORE, _BAR, _LENGTH = 34, 34, 16, 12, 140
_STYLE = """
svg { color-scheme: light dark; font: 13px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
.ground { fill: #ffffff; } .rail, .trough { stroke: #d5dade; fill: #d5dade; } .rail { stroke-width: 2; }
.who { fill: #1a2027; font-weight: 650; text-anchor: middle; }
.what { fill: #1a2027; } .more, .when { fill: #545f6b; font-size: 12px; }
.middle { text-anchor: middle; } .what, .more { paint-order: stroke; stroke: #ffffff; stroke-width: 5px; }
.arrow { stroke: #0b6b63; stroke-width: 1.75; fill: none; } .tip, .part { fill: #0b6b63; }
.spot { fill: #ffffff; stroke: #0b6b63; stroke-width: 2; }
.again .arrow { stroke-dasharray: 5 4; }
.bad .arrow, .bad .spot, .cross { stroke: #a3261b; } .bad .tip, .bad .part, .bad .what, .bad .more { fill: #a3261b; }
.cross { stroke-width: 2; fill: none; }
@media (prefers-color-scheme: dark) {
.ground { fill: #1c2024; } .rail, .trough { stroke: #3a4148; fill: #3a4148; }
.who, .what { fill: #e8ebee; } .more, .when { fill: #a3adb8; } .what, .more { stroke: #1c2024; }
.arrow { stroke: #5ccabd; } .tip, .part { fill: #5ccabd; } .spot { fill: #1c2024; stroke: #5ccabd; }
.bad .arrow, .bad .spot, .cross { stroke: #ff9d90; } .bad .tip, .bad .part, .bad .what, .bad .more { fill: #ff9d90; }
}
"""


def draw(steps, title):
    """The SVG, as text."""
    layout, title = Layout(steps), printable(title)
    longest = max((len(text) for step in steps for text in (words(step), step.detail)), default=0)
    apart = min(_WIDEST, max(_NARROWEST, longest * _LETTER + 48))
    rails = {name: _GUTTER + _BESIDE / 2 + apart * place for place, name in enumerate(layout.names)}
    noted = max(
        (len(text) for step in steps if step.to is None for text in (words(step), step.detail)), default=0
    )
    last = any(step.to is None and step.who == layout.names[-1] for step in steps)
    beside = max(_BESIDE, noted * _LETTER + 24) if last or len(rails) == 1 else _BESIDE
    width = round(_GUTTER + _BESIDE / 2 + apart * (len(rails) - 1) + beside)
    rows, y = [], _HEAD + 8
    for step in steps:
        row, y = _row(step, rails, y, width, layout.begin)
        rows.append(row)
    height = round(y + 12)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" aria-labelledby="title">',
        "<!-- SPDX-License-Identifier: MIT -->",
        f'<title id="title">{escape(title)}</title>',
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}" rx="8"/>',
    ]
    for name, called in zip(layout.names, layout.titles, strict=True):
        x = _n(rails[name])
        parts.append(f'<text class="who" x="{x}" y="22">{escape(called)}</text>')
        parts.append(f'<line class="rail" x1="{x}" x2="{x}" y1="{_HEAD}" y2="{height - 8}"/>')
    return "\n".join([*parts, *rows, "</svg>", ""])


def _n(number):
    return f"{number:.1f}".removesuffix(".0")


def _text(kind, x, y, text):
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}">{escape(text)}</text>'


def _row(step, rails, y, width, begin):
    """(the row, where the next one begins)"""
    here = rails[step.who]
    parts = [_text("when", 8, y + 25, when(step, begin))]
    if step.to is None:
        parts.append(f'<circle class="spot" cx="{_n(here)}" cy="{_n(y + 21)}" r="5"/>')
        parts.append(_text("what", here + 14, y + 25, words(step)))
        y += _STEP
        if step.detail:
            parts.append(_text("more", here + 14, y + 6, step.detail))
            y += _MORE
    else:
        arrow, y = _arrow(step, here, rails[step.to], y)
        parts += arrow
    kinds = " ".join(kind for kind, is_so in (("again", step.count > 1), ("bad", step.bad)) if is_so)
    return (f'<g class="{kinds}">' if kinds else "<g>") + "".join(parts) + "</g>", y


def _arrow(step, here, there, y):
    middle, way = (here + there) / 2, 1 if there > here else -1
    parts = [_text("what middle", middle, y + 14, words(step))]
    end = there
    if (
        step.bad and step.said is not None and step.said.is_request
    ):  # nothing came back: it may not have arrived
        end = there - 24 * way
        cross = end + (3 if way > 0 else -13)
        parts.append(f'<path class="cross" d="M{_n(cross)} {_n(y + 17)}l10 10m0 -10l-10 10"/>')
    parts.append(f'<path class="arrow" d="M{_n(here)} {_n(y + 22)}H{_n(end - 6 * way)}"/>')
    parts.append(f'<path class="tip" d="M{_n(end)} {_n(y + 22)}l{-9 * way} -4.5v9z"/>')
    y += _STEP
    if step.segments:
        left, (done, total) = middle - _LENGTH / 2, step.segments
        bar = f'y="{_n(y - 4)}" height="6" rx="3"/>'
        parts.append(f'<rect class="trough" x="{_n(left)}" width="{_LENGTH}" {bar}')
        for first, end in spans(step.numbers or range(1, done + 1)) if total else ():
            wide = max(2, _LENGTH * (min(end, total) - first + 1) / total)
            parts.append(
                f'<rect class="part" x="{_n(left + _LENGTH * (first - 1) / total)}" width="{_n(wide)}" {bar}'
            )
        y += _BAR
    if step.detail:
        parts.append(_text("more middle", middle, y + 6, step.detail))
        y += _MORE
    return parts, y
