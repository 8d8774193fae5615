# SPDX-License-Identifier: MIT
"""Boxes, arrows and words as SVG that a reader sees in light and in dark, as his page is.

Coordinates and sizes are pixels of the picture as it is drawn; a page shrinks it to its own width.
"""

from dataclasses import dataclass
from xml.sax.saxutils import escape

STYLE = """\
text { font-family: system-ui, sans-serif; font-size: 14px; fill: #1b2a2f }
.small { font-size: 12px; fill: #50646b }
.title { font-weight: 600 }
.code { font-family: ui-monospace, monospace; font-size: 12px }
.page { fill: #ffffff }
.box { fill: #e8f3f2; stroke: #00796b }
.other { fill: #eef0f6; stroke: #5566a0 }
.store { fill: #fdf1dc; stroke: #b07a1e }
.plain { fill: none; stroke: #9aa9ae }
.line { fill: none; stroke: #41555c; stroke-width: 1.5 }
.dashed { stroke-dasharray: 5 4 }
.head { fill: #41555c }
@media (prefers-color-scheme: dark) {
text { fill: #e3ecee } .small { fill: #a9babf }
.page { fill: #1e2429 }
.box { fill: #173734; stroke: #4db6ac }
.other { fill: #262c45; stroke: #95a2d8 }
.store { fill: #3d3018; stroke: #d9a94f }
.plain { stroke: #5d6c72 } .line { stroke: #b4c4c9 } .head { fill: #b4c4c9 }
}"""
_PER_LETTER = {"": 7.6, "title": 8.0, "small": 6.5, "code": 7.3}  # of a wide face


@dataclass
class Box:
    """A rectangle; an arrow begins and ends at the middle of one of its sides."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self):
        return self.x, self.y + self.height / 2

    @property
    def right(self):
        return self.x + self.width, self.y + self.height / 2

    def top(self, share=0.5):
        """The point of the upper side at this share of its width."""
        return self.x + self.width * share, self.y

    def bottom(self, share=0.5):
        """The point of the lower side at this share of its width."""
        return self.x + self.width * share, self.y + self.height


class Drawing:
    """A picture with a title, which is what a reader hears who does not see it."""

    def __init__(self, width, height, title):
        self.width, self.height, self.title = width, height, title
        self._parts = []

    def box(self, x, y, width, height, lines, kind="box"):  # noqa: PLR0913  # a rectangle and what is in it
        """A box with lines in its middle, each a text or (text, class). Return the Box."""
        self._parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>')
        first = y + height / 2 - 9 * (len(lines) - 1) + 5
        for number, line in enumerate(lines):
            said, shape = (line, "title" if number == 0 else "small") if isinstance(line, str) else line
            if len(said) * _PER_LETTER[shape] > width:
                raise ValueError(f"{said!r} is wider than its box of {width}")
            self.words(x + width / 2, first + 18 * number, said, shape)
        return Box(x, y, width, height)

    def words(self, x, y, said, shape="", anchor="middle"):  # noqa: PLR0913  # where, what, how
        """A line of text."""
        kind = f' class="{shape}"' if shape else ""
        self._parts.append(f'<text{kind} x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(said)}</text>')

    def arrow(self, start, end, said="", back=False, dashed=False):  # noqa: PLR0913  # from, to, how
        """A straight arrow, with a text above its middle; `back`: with a head at each end."""
        kind = "line dashed" if dashed else "line"
        heads = ' marker-start="url(#back)"' if back else ""
        (x1, y1), (x2, y2) = start, end
        self._parts.append(
            f'<line class="{kind}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"{heads} marker-end="url(#head)"/>'
        )
        if said:
            self.words((x1 + x2) / 2, (y1 + y2) / 2 - 6, said, "small")

    def rule(self, start, end):
        """A thin line without a head."""
        (x1, y1), (x2, y2) = start, end
        self._parts.append(f'<line class="plain" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>')

    def text(self):
        """The file."""
        size = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}"'
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
                "<!-- SPDX-License-Identifier: MIT -->",
                "<!-- Drawn by python -m tools.project.drawings -->",
                f"<title>{escape(self.title)}</title>",
                f"<style>\n{STYLE}\n</style>",
                "<defs>",
                _head("head", "M0 0 L9 4.5 L0 9 z", 9),
                _head("back", "M9 0 L0 4.5 L9 9 z", 0),
                "</defs>",
                f'<rect class="page" width="{self.width}" height="{self.height}" rx="8"/>',
                *self._parts,
                "</svg>\n",
            )
        )


def _head(name, path, at):
    size = f'markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9" refX="{at}" refY="4.5"'
    return f'<marker id="{name}" {size} orient="auto"><path class="head" d="{path}"/></marker>'
