# SPDX-License-Identifier: MIT
"""Draws all of them."""

from pathlib import Path

from tools.project.drawings import flash, layers, system, way

DOCS = Path(__file__).resolve().parents[3] / "docs"
DRAWINGS = {"system.svg": system, "layers.svg": layers, "way.svg": way, "flash.svg": flash}


def texts():
    """{file name in docs/: its text}"""
    return {name: module.drawing().text() for name, module in DRAWINGS.items()}


def main():
    for name, text in texts().items():
        (DOCS / name).write_text(text)


if __name__ == "__main__":
    main()
