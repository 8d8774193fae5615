# SPDX-License-Identifier: MIT
"""What the --help of each command ends with: lines that can be typed as they stand. A test parses each of them."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "trace": (
        "msgin5g trace --from /dev/ttyACM0",
        "msgin5g trace --from demo.pcapng --svg demo.svg",
        "msgin5g trace --from demo.pcapng --lines --store gateway.db --payload",
    ),
}
