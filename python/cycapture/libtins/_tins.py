"""The original's private module, which its documentation and old scripts import as well."""

from . import *  # noqa: F403
from . import __all__ as _public
from ._dns import DNS_Query, DNS_Resource
from ._dns_names import encode_domain_name
from ._dot11_management import Capabilities, Dot11ManagementFrame
from ._eapol import EAPOL
from ._llc import bpdu_id
from ._network import IPOptionIdentifier, IPSecurityType
from ._pdu import pdu_from_buffer

__all__ = [
    *_public,
    "EAPOL",
    "Capabilities",
    "DNS_Query",
    "DNS_Resource",
    "Dot11ManagementFrame",
    "IPOptionIdentifier",
    "IPSecurityType",
    "bpdu_id",
    "encode_domain_name",
    "pdu_from_buffer",
]
