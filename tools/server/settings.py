# SPDX-License-Identifier: MIT
"""What can be set on the gateway and the server in it, each with its default and its reason."""

from dataclasses import dataclass

SERVICE = "urn:3gpp:msgin5g"  # value of msgIden (clause 7.3 leaves it open)
PORT = 65401  # TS 29.641 table 5-1, MSGin5GMD
LARGEST_PAYLOAD = (
    2048  # TS 23.554 table 8.3.2-1 and TS 23.554 clause 10.1: never above 2048 octets in one message
)
LARGEST_PROFILE = 4096  # octets of JSON that a UE or an Application Server says of itself when it registers

# CoAP header 4, token up to 8, Uri-Path "msgin5g" 8, Content-Format 2, payload marker 1.
COAP_OVERHEAD = 4 + 8 + 8 + 2 + 1

# RFC 8613: the option with flags 2, Partial IV 5 and an ID of up to 7, a second payload marker, the inner code, the tag
# 8; RFC 9175: an Echo option of up to 8 octets, which a device asks for that has restarted.
OSCORE_OVERHEAD = 2 + 5 + 7 + 1 + 1 + 8 + 3 + 8


@dataclass(frozen=True)
class Settings:
    """Times are seconds, sizes are octets."""

    service: str = SERVICE
    open: bool = False  # any UE Service ID may register, not only provisioned ones
    lifetime: float = 3600  # longest registration granted
    keep: float = (
        86400  # life of a message without an expiry of its own, of reports and responses; longest of all
    )
    max_datagram: int = 1152
    max_message: int = 1 << 20
    segment_gap: float = 5
    recoveries: int = 3
    hold: float = 120  # a sent set waits so long for its SEGCONFIR, an unfinished one for its sender
    retry_min: float = 5
    retry_max: float = 300
    # Requests that are out at once to an Application Server, and the same of reports; and of all together beyond the
    # first one to each.
    abreast: int = 16
    abreast_all: int = 512
    # More of one originator to an Application Server that `work` gives before the outcome of the first one is heard:
    # for who sends them one after the other (`running.runs`).
    ahead: int = 0
    aggregate: float | None = (
        None  # single messages to one recipient wait so long for each other; None: not at all
    )
    pending_each: int = 1000  # messages that wait for one recipient
    pending_all: int = 20000
    pending_octets: int = 256 << 20
    quota: int = 2000  # messages of one originator that wait, for whomever; the same of its reports
    quota_octets: int = (
        32 << 20
    )  # of its messages and unfinished segment sets; at least four of the largest message
    sets_each: int = 16  # unfinished segment sets of one originator
    sets_all: int = 2000
    remembered: int = 1000  # msgIds of one originator that are known again
    application_servers: int = 256  # registered at once; one that is not used for `keep` makes room
    ues: int = 10000  # UE Service IDs remembered in open mode
    rate: float = 1000  # requests a second from one address before 4.29
    assign: str | None = None  # the domain of the UE Service IDs that unknown UE IDs get; None: they get none
    assigned_each: int = 16  # UE Service IDs assigned to one key
    assigned_many: int = 1000  # to one host in mode none, and to one gateway
    broadcast_gateways: tuple = ()  # (Broadcast Area ID, URI of the Broadcast Message Gateway) of areas that have one
    configuration_xml: bool = False  # configData in the XML of clause 7.2
    configuration_server: str | None = None  # URI that UEs are told where their configuration names none
    groups_by: str = "any"  # who may make groups: every registered UE, or "admin": commands only
    groups_each: int = 32  # groups that one UE has made
    groups_all: int = 2000
    exposure: str | None = None  # URI of the network's exposure function (TS 29.122); None: there is none
    exposure_as: str = "msgin5g"  # what we are to it: its `scsAsId`
    callback: str | None = None  # URI by which it reaches our HTTP side; None: where that listens
    own: str = "as:page@localhost"  # the service that the page sends as; nobody can register it
    updates: str = "as:updates@localhost"  # the service that updates come from, the same
    protected: bool = False  # OSCORE needs room in a datagram

    @property
    def within(self):
        """The services that are in this program: nobody waits for what goes there."""
        return self.own, self.updates

    @property
    def room(self):
        """Octets of JSON that fit one datagram."""
        return self.max_datagram - COAP_OVERHEAD - (OSCORE_OVERHEAD if self.protected else 0)
