"""A judge for the shadow sample: Presidio's pattern recognisers, without a language model and without a network.

Comes with the extra `shadow`; nothing on the path of a door imports it.
"""

import logging
from collections.abc import Sequence
from typing import Any

# Words around a pattern raise its score; alone it must be at least this sure, or every number would be a leak.
_LEAST_SCORE = 0.5
#: What the filter is to find: kinds of a shape. Names, places and moments have none, plates look like article numbers.
_RECOGNISERS = [
    "CreditCardRecognizer",
    "CryptoRecognizer",
    "EmailRecognizer",
    "IbanRecognizer",
    "IpRecognizer",
    "MacAddressRecognizer",
    "UrlRecognizer",
    "UuidRecognizer",
    "PhoneRecognizer",
    "UsSsnRecognizer",
    "UsItinRecognizer",
    "UkNinoRecognizer",
    "NhsRecognizer",
    "EsNifRecognizer",
    "EsNieRecognizer",
    "ItFiscalCodeRecognizer",
    "PlPeselRecognizer",
    "FiPersonalIdentityCodeRecognizer",
    "SePersonnummerRecognizer",
    "SgFinRecognizer",
    "AuTfnRecognizer",
    "InAadhaarRecognizer",
    "InPanRecognizer",
    "DeTaxIdRecognizer",
    "TrNationalIdRecognizer",
    "ThTninRecognizer",
    "KrRrnRecognizer",
]


class PresidioJudge:
    """Judges one text in about a millisecond."""

    name = "presidio"

    def __init__(self) -> None:
        """Load the recognisers; raises ImportError where the extra is not installed."""
        _keep_offline()
        from presidio_analyzer import predefined_recognizers

        # A release may lack one of them: fewer eyes are better than none.
        known = [getattr(predefined_recognizers, name, None) for name in _RECOGNISERS]
        self._recognisers: list[Any] = [recogniser() for recogniser in known if recogniser is not None]
        # It logs what it looks at, at its lowest levels.
        logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)

    def finds(self, text: str) -> Sequence[str]:
        """Return the kinds of identifiers in `text`, in Presidio's words."""
        kinds: set[str] = set()
        for recogniser in self._recognisers:
            results = recogniser.analyze(text, recogniser.supported_entities, None)
            kinds.update(each.entity_type for each in results or () if each.score >= _LEAST_SCORE)
        return sorted(kinds)


def _keep_offline() -> None:
    # Its e-mail recogniser asks tldextract, which would fetch the list of suffixes at the first address it sees, and
    # keep it in the home folder. The list that came with it is enough.
    import tldextract.tldextract as suffixes

    offline = suffixes.TLDExtract(suffix_list_urls=(), cache_dir=None)
    vars(suffixes)["TLD_EXTRACTOR"] = offline
