"""Receipts that people keep: what is in force, signed, so that anybody can check it offline."""

import json
from collections.abc import Callable, Iterable, Sequence

from kit.db import Database
from kit.signatures import Signer
from services.consent.documents import CONTEXT, entry
from services.consent.domain import Consent, Holder
from services.consent.use_cases.explain import Kept, in_force, recorded

TYPE = "consent-receipt+jws"


class Receipts:
    """Issues receipts under the newest key. Compare them by their records: texts about the same may differ."""

    def __init__(self, database: Database, signer: Signer, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._signer = signer
        self._now_ms = now_ms

    async def issue(self, holder: Holder, handle: str) -> str:
        """Return a compact JWS about everything that is in force."""
        return self._receipt(holder, handle, await in_force(self._database, holder))

    async def confirm(self, holder: Holder, handle: str, stated: Iterable[Consent]) -> str:
        """Return a compact JWS about what was just stated, whatever was stated since; "" for nobody."""
        if not handle:
            return ""
        record_ids = [consent.record_id for consent in stated if consent.record_id]
        return self._receipt(holder, handle, await recorded(self._database, holder, record_ids))

    def public_keys(self) -> str:
        """Return the JSON Web Key Set that receipts are verified with."""
        return self._signer.public_keys()

    def _receipt(self, holder: Holder, handle: str, kept: Sequence[Kept]) -> str:
        content = {
            "@context": CONTEXT,
            "@type": "dpv:ConsentReceipt",
            "iss": holder.brand,
            "sub": handle,
            "aud": holder.audience,
            "iat": self._now_ms() // 1000,
            "dct:hasPart": [entry(each.record, each.notice, handle) for each in kept],
        }
        return self._signer.sign(json.dumps(content, ensure_ascii=False).encode())
