# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Resources of a Site that notify. Imported with the first request to observe one."""
from typing import Any
def begin(context: Any, sequence: Any) -> None:
    """Give a context its list of observers, where it has none."""
