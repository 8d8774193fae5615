# SPDX-License-Identifier: MIT
"""The procedures of TS 24.538 clause 6 at the server, one in a file, and the table that makes a Server of them.

A new one is a file with a subclass of `procedure.Procedure`, and a row here.
"""

from typing import NamedTuple

from tools.server.procedures.broadcast import Broadcast
from tools.server.procedures.bulk import Bulk
from tools.server.procedures.configuration import Configuration
from tools.server.procedures.groups.groups import Groups
from tools.server.procedures.messagegateways import MessageGateways
from tools.server.procedures.messages import Messages
from tools.server.procedures.peers import Peers
from tools.server.procedures.procedure import Procedure
from tools.server.procedures.reach.monitoring import Monitoring
from tools.server.procedures.reach.triggering import Triggering
from tools.server.procedures.registration import Registration
from tools.server.procedures.reports import Reports
from tools.server.procedures.segments import Segments
from tools.server.procedures.stored import Stored
from tools.server.procedures.topiclists import TopicLists
from tools.server.procedures.topics import Topics
from tools.server.procedures.updates.updates import Updates


class Row(NamedTuple):
    """The class, the message types (msgType) that it receives, the kinds of target (destAddrType) that it routes."""

    procedure: type[Procedure]
    types: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


# In the order in which they do what is due.
TABLE = (
    Row(Registration, ("REG", "DEREG", "GWREG")),
    Row(Bulk, ("BREG", "BDEREG")),
    Row(Messages, ("MSG",)),
    Row(Reports, ("IMDN",)),
    Row(Segments, ("SEGREC", "SEGCONFIR", "SEGCOFIR")),  # SEGCOFIR: a misprint of clause 6.5.3.5
    Row(Topics, (), ("TOPIC",)),
    Row(TopicLists),
    Row(Broadcast, (), ("BC",)),
    Row(MessageGateways),
    Row(Peers),
    Row(Stored, ("MSGUPD",)),
    Row(Groups, (), ("GROUP",)),
    Row(Configuration),
    Row(Monitoring),
    Row(Triggering),
    Row(Updates),
)
