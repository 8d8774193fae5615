# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Which options count as recognized: RFC 7252 sections 5.4 and 5.10. Imported with the first message that has some."""
from collections.abc import Sequence
from ..message import Message

class Recognizing:
    """Methods of Endpoint, whose attributes they use."""
    max_body: int
    def unrecognized(self, message: Message) -> int | None:
        """Do the same for a response, or where Block options alone are understood."""
def has_blocks(message: Message) -> bool:
    """Return whether it has an option of RFC 7959, or asks for one (section 2.9.3)."""
def unrecognized(message: Message, blocks: int, understood: Sequence[int]=...) -> int | None:
    """Return the number of a critical option that counts as unrecognized, or None (section 5.4.1): its number is
    not known, it is not for such a message (5.4), has a wrong length (5.4.3) or is repeated (5.4.5). Elective
    options for which one of the last three is true are removed from the message, as the same sections want.

    Block options are recognized where `blocks` is true; If-Match, If-None-Match and those that are not known here,
    where `understood` has their numbers.
    """
