"""Consent signals that others define: IAB's TCF and GPP strings, decoded as far as purposes need them."""

from kit.signals.gpp import Gpp, OptOuts, decode_gpp
from kit.signals.refusals import SignalMalformedError
from kit.signals.tcf import Tcf, decode_tcf

__all__ = ["Gpp", "OptOuts", "SignalMalformedError", "Tcf", "decode_gpp", "decode_tcf"]
