# SPDX-License-Identifier: MIT
"""The bill of materials (SBOM, CycloneDX 1.6 in JSON): what the tools and the images are built on, in which version and
under which licence, by cyclonedx-python-lib, which checks it against the schema."""

import base64
import datetime
import hashlib
import json
import re
import tomllib
import uuid
from importlib import metadata

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement

from tools.errors import UsageError
from tools.image.boards import ROOT

SCHEMA = SchemaVersion.V1_6
NAME = "msgin5g"
LOCK = ROOT / "tools/emulator/package-lock.json"
# Classifiers of packages that have no License-Expression, and what people write there who have neither.
_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# By the licence file that they come with: their metadata have none.
_BY_FILE = {"littlefs-python": "BSD-3-Clause", "rich-click": "MIT"}
_LONGEST = 60  # characters of a License that is a name and not the text of one


def of(version, epoch, sources):
    """The octets of the bill. `sources`: {name: (version, licence)} of what the images are compiled from. Raises
    UsageError where it is none by its schema."""
    licences = LicenseFactory()
    bom = Bom()
    ours = _component(licences, NAME, version, "MIT", None, ComponentType.FIRMWARE)
    tools = _component(licences, "msgin5g-tools", version, "MIT", "pypi", ComponentType.APPLICATION)
    emulator = _component(licences, "msgin5g-emulator", version, "MIT", None, ComponentType.APPLICATION)
    bom.metadata.component = ours
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(epoch, datetime.UTC)
    python = _python_components(licences)
    npm = [_component(licences, *row) for row in _npm_packages()]
    compiled = [_component(licences, name, *row, "generic") for name, row in sorted(sources.items())]
    for component in (tools, emulator, *python.values(), *npm, *compiled):
        bom.components.add(component)
    bom.register_dependency(ours, [*compiled, tools, emulator])
    wanted = _wanted()
    bom.register_dependency(tools, [python[_plain(each.name)] for each in wanted])
    bom.register_dependency(emulator, npm)
    for name, component in python.items():
        bom.register_dependency(component, [python[other] for other in _requires(name) if other in python])
    # From what is in it: another bill has another number, and the same one has the same.
    bom.serial_number = uuid.UUID(int=0)
    digest = hashlib.sha256(_text(bom).encode()).digest()
    bom.serial_number = uuid.UUID(bytes=digest[:16], version=4)
    text = _text(bom)
    wrong = JsonStrictValidator(SCHEMA).validate_str(text)
    if wrong is not None:
        raise UsageError(f"the bill of materials is none: {wrong.data.message}")
    return text.encode() + b"\n"


def _text(bom):
    made = make_outputter(bom, OutputFormat.JSON, SCHEMA).output_as_string(indent=1)
    return json.dumps(json.loads(made), indent=1, sort_keys=True, ensure_ascii=False)


def _component(licences, name, version, licence, kind, type_=ComponentType.LIBRARY, hashes=()):
    """`kind` is that of a purl: "pypi", "npm", "generic"; None where the package is published nowhere."""
    purl = PackageURL(kind, None, name, version) if kind else None
    return Component(
        name=name,
        version=version,
        type=type_,
        bom_ref=purl.to_string() if purl else f"{name}@{version}",
        purl=purl,
        licenses=[licences.make_from_string(licence)] if licence else (),
        hashes=hashes,
    )


# ---- what the tools need, in pyproject.toml and by what is installed ------------------------------------------------


def _wanted():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(text) for text in project["dependencies"]]


def _plain(name):
    """As names of packages are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _requires(name, extras=()):
    """Plain names of what a package that is installed asks for, without extras or with these; {name: its extras}."""
    found = {}
    for text in metadata.requires(name) or ():
        each = Requirement(text)
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
            found.setdefault(_plain(each.name), set()).update(each.extras)
    return found


def _closure():
    """Plain names of all that the tools need to run."""
    todo = [(_plain(each.name), frozenset(each.extras)) for each in _wanted()]
    seen = set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) not in seen:
            seen.add((name, extras))
            todo += [(other, frozenset(more)) for other, more in _requires(name, extras).items()]
    return sorted({name for name, _ in seen})


def _python_components(licences):
    made = {}
    for name in _closure():
        found = metadata.metadata(name)
        made[name] = _component(licences, found["Name"].lower(), found["Version"], licence_of(found), "pypi")
    return made


def licence_of(found):
    """The SPDX expression of a package's metadata, else what it says in other words, or None."""
    if found["License-Expression"]:
        return found["License-Expression"]
    classifiers = [
        each.rpartition(" :: ")[2] for each in found.get_all("Classifier", ()) if "License ::" in each
    ]
    named = sorted({_CLASSIFIERS[each] for each in classifiers if each in _CLASSIFIERS})
    said = (found["License"] or "").strip()
    if len(named) == 1 and (not said or len(said) > _LONGEST or "\n" in said):
        return named[0]
    if said and len(said) <= _LONGEST and "\n" not in said:
        return said
    return " OR ".join(named) or _BY_FILE.get(_plain(found["Name"]))


# ---- what the emulator needs, by its lock file ----------------------------------------------------------------------


def _npm_packages():
    """Arguments of `_component` for each."""
    for path, row in sorted(json.loads(LOCK.read_text())["packages"].items()):
        if path:
            algorithm, _, digest = row["integrity"].partition("-")
            hashed = HashType(alg=HashAlgorithm[f"SHA_{algorithm[3:]}"], content=_hex(digest))
            name = path.rpartition("node_modules/")[2]
            yield name, row["version"], row["license"], "npm", ComponentType.LIBRARY, (hashed,)


def _hex(digest):
    return base64.b64decode(digest).hex()
