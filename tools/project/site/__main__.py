# SPDX-License-Identifier: MIT
"""`python -m tools.project.site`: the documentation as a site. A link or an anchor that leads nowhere is an error."""

import logging
import sys

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from tools.errors import UsageError
from tools.programs import npm
from tools.project.site.places import FOLDER, ROOT


def make(folder):
    """Write the site into a folder. Raise UsageError where a page has a fault, or what it needs is not to be had."""
    npm.provide(FOLDER, "the site")
    config = load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(folder))
    config.plugins.on_startup(command="build", dirty=False)
    try:
        build(config)
    except Abort:
        raise UsageError("The site was not made: the lines above say which page is at fault.") from None
    finally:
        config.plugins.on_shutdown()


def main():
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    folder = ROOT / "build/site"
    try:
        make(folder)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"the site: {folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
