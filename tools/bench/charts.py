# SPDX-License-Identifier: MIT
"""Bar charts of the figures, as SVG: rows of one `chart` are bars of it, ours in colour and those of others grey. The
text is text, and the colours are those of a light or a dark page, as the reader has it."""

import re
from xml.sax.saxutils import escape

WIDTH, LABELS, VALUES = 760, 300, 150  # of the picture, of the names on the left, of the figures on the right
LINE, TOP = 28, 52
STYLE = """
text { font: 14px sans-serif; fill: #24292f }
.title { font-weight: bold; font-size: 16px }
.ours { fill: #0969da } .other { fill: #8c959f } .limit { stroke: #cf222e; stroke-width: 2 }
.ground { fill: #ffffff }
@media (prefers-color-scheme: dark) {
 text { fill: #e6edf3 } .ground { fill: #0d1117 }
 .ours { fill: #4493f8 } .other { fill: #6e7681 } .limit { stroke: #f85149 }
}
"""


def write(parts, folder):
    """Writes all charts of these parts; the paths. A chart that is no more goes."""
    made = {}
    for part in parts.values():
        for row in part["rows"]:
            if row.get("chart"):
                made.setdefault(row["chart"], []).append(row)
    for old in folder.glob("*.svg"):
        old.unlink()
    paths = []
    for title, rows in made.items():
        path = folder / (re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") + ".svg")
        path.write_text(draw(title, rows))
        paths.append(path)
    return paths


def draw(title, rows):
    """The picture. A row that was not measured is there with these words in place of a bar, and a limit is a line
    across its bar."""
    lines = [("measured", row["measured"] or 0) for row in rows]
    lines += [("value", row["value"]) for row in rows if "value" in row]
    most = max([value for _, value in lines] + [0]) or 1
    room = WIDTH - LABELS - VALUES
    height = TOP + LINE * len(rows) + 12
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<!-- SPDX-License-Identifier: MIT -->",
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
        f'<text class="title" x="12" y="28">{escape(title)}</text>',
    ]
    for number, row in enumerate(rows):
        y = TOP + LINE * number
        long = round(room * (row["measured"] or 0) / most, 1)
        drawn.append(f'<text x="{LABELS - 8}" y="{y + 15}" text-anchor="end">{escape(_label(row))}</text>')
        kind = "other" if row.get("by") else "ours"
        drawn.append(f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{long}" height="20"/>')
        if "value" in row:
            x = LABELS + round(room * row["value"] / most, 1)
            drawn.append(f'<line class="limit" x1="{x}" x2="{x}" y1="{y - 2}" y2="{y + 22}"/>')
            long = max(long, x - LABELS)
        drawn.append(f'<text x="{LABELS + long + 8}" y="{y + 15}">{escape(_figure(row))}</text>')
    return "\n".join([*drawn, "</svg>", ""])


def _label(row):
    return row.get("by") or row["what"].strip()


def _figure(row):
    return "not measured" if row["measured"] is None else f"{row['measured']:,} {row['unit']}".strip()
