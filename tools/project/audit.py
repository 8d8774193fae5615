# SPDX-License-Identifier: MIT
"""`make audit`: known holes in what the host tools are built on, by pip-audit and npm, which ask services for it.

Exit status: 0 none is known, 1 some are, 2 the data could not be had for all of it (which is no "none").
"""

import json
import subprocess
import sys

from tools.emulator.client import FOLDER as EMULATOR
from tools.project.site.places import FOLDER as SITE

NONE, SOME, UNKNOWN = 0, 1, 2
OURS = "msgin5g-tools"


def main():
    outcomes = [python_packages(), npm_packages(EMULATOR), npm_packages(SITE)]
    return SOME if SOME in outcomes else max(outcomes)


def python_packages(run=subprocess.run):
    command = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--progress-spinner", "off"]
    done = run([*command, "--format", "json"], capture_output=True, text=True)
    try:
        packages = json.loads(done.stdout)["dependencies"]
        packages = [each for each in packages if each["name"] != OURS]
        # One that is skipped has no "vulns": it was not looked up.
        holes = {each["name"]: [hole["id"] for hole in each["vulns"]] for each in packages if "vulns" in each}
        skipped = [each["name"] for each in packages if "vulns" not in each]
    except (ValueError, LookupError, TypeError):
        return _unknown("Python packages", done)
    looked_up = len(packages) - len(skipped)
    if skipped:
        few = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        print("Python packages: %d of %d NOT CHECKED, no data: %s" % (len(skipped), len(packages), few))
    outcome = _tell("Python packages", holes) if looked_up else UNKNOWN
    return UNKNOWN if skipped and outcome == NONE else outcome


def npm_packages(folder, run=subprocess.run):
    done = run(["npm", "audit", "--json"], cwd=folder, capture_output=True, text=True)
    try:
        found = json.loads(done.stdout)["vulnerabilities"]
        holes = {name: [each["severity"]] for name, each in found.items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        return _unknown(f"npm packages of {folder.name}", done)
    return _tell(f"npm packages of {folder.name}", holes)


def _tell(what, holes):
    bad = {name: found for name, found in holes.items() if found}
    for name, found in sorted(bad.items()):
        print("%s: %s has known holes: %s" % (what, name, ", ".join(found)))
    if not bad:
        print("%s: no hole is known" % what)
    return SOME if bad else NONE


def _unknown(what, done):
    said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
    print("%s: NOT CHECKED, the data could not be had: %s" % (what, said[0][:200]), file=sys.stderr)
    return UNKNOWN


if __name__ == "__main__":
    sys.exit(main())
