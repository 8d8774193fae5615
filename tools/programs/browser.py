# SPDX-License-Identifier: MIT
"""A browser that programs drive, for the tests of the page: Chromium and its driver, of Debian's packages.

What the machine has is taken; else they are unpacked below .venv, beside the other programs, and nothing outside of it
changes. With them come a font and the settings that let it be found, so that a picture is the same everywhere.
"""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from tools.errors import UsageError
from tools.programs import debian, npm
from tools.programs.micropython import BIN

FOLDER = BIN.parent / "unpacked" / "chromium"
PACKAGES = ("chromium", "chromium-driver", "fonts-roboto-unhinted")
NAMES = ("chromium", "chromium-browser", "google-chrome")
ADVICE = "Debian: sudo apt install chromium chromium-driver; elsewhere: Chrome or Chromium, and chromedriver"
AXE = Path(__file__).resolve().parents[2] / "host_tests/gateway/page/browser/axe"

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>%s/usr/share/fonts</dir>
  <cachedir>%s/fonts-cache</cachedir>
  <match><edit name="family" mode="append"><string>Roboto</string></edit></match>
  <alias binding="same"><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""


class Browser(NamedTuple):
    """Paths of the browser and of its driver, and the environment that both need."""

    program: str
    driver: str
    environment: dict


class NoBrowser(Exception):
    """It can't be had; the text says what to install."""


def there():
    """The Browser that is there, None where `provide` has to see to it."""
    root = FOLDER / "root"
    programs = root / "usr/lib/chromium"
    if (programs / "chromedriver").exists():
        environment = {**debian.libraries(root), "FONTCONFIG_FILE": str(FOLDER / "fonts.conf")}
        return Browser(str(programs / "chromium"), str(programs / "chromedriver"), environment)
    driver = shutil.which("chromedriver")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    return Browser(program, driver, {}) if driver and program else None


def provide(say=print):
    """Sees to it that there is a Browser, and gives it. NoBrowser says why there is none."""
    wanted = debian.Wanted("Chromium", NoBrowser, ADVICE)
    words = "Browser for the tests: fetching " + " and ".join(PACKAGES[:2])
    return debian.provided(there, PACKAGES, FOLDER, wanted, lambda: say(words), _with_fonts)


def _with_fonts(root):
    (FOLDER / "fonts.conf").write_text(_FONTS % (root, FOLDER))


def axe():
    """The path of axe-core's script. NoBrowser says what is missing."""
    try:
        npm.provide(AXE, "the check of the page for people who do not see or point", say=lambda text: None)
    except UsageError as error:
        raise NoBrowser(str(error)) from None
    return AXE / "node_modules/axe-core/axe.min.js"


def environment(browser):
    """What a process of it is started with."""
    return {**os.environ, **browser.environment}
