"""The original's private module, from which its documentation and old scripts import too."""

from . import *  # noqa: F403
from . import __all__ as _public
from ._network import IPOptionIdentifier, IPSecurityType
from ._pdu import pdu_from_buffer

__all__ = [*_public, "IPOptionIdentifier", "IPSecurityType", "pdu_from_buffer"]
