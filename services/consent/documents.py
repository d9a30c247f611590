"""A record with every mandatory field of ISO/IEC TS 27560, as JSON-LD in the words of DPV 2.3."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.consent.chain import Record
from services.consent.domain import State

_SCHEMA = "ISO/IEC TS 27560:2023"
_DAY_MS = 24 * 3600 * 1000
#: Names are spelled out in the document itself: whoever reads it needs nothing from elsewhere.
CONTEXT = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "loc": "https://w3id.org/dpv/loc#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_STATUS = {
    State.GIVEN: "dpv:ConsentGiven",
    State.RENEWED: "dpv:RenewedConsentGiven",
    State.WITHDRAWN: "dpv:ConsentWithdrawn",
    State.NEVER_ASKED: "dpv:ConsentUnknown",
}


def document(record: Record, notice: Mapping[str, Any], handle: str) -> dict[str, Any]:
    """Return the record for whoever knows the persona as `handle`; of records without a notice it says less."""
    return {"@context": CONTEXT, **entry(record, notice, handle)}


def entry(record: Record, notice: Mapping[str, Any], handle: str) -> dict[str, Any]:
    """Return the same without its context, to stand in a list."""
    status = _STATUS[State(record.state)]
    return {
        "@id": f"urn:uuid:{_uuid(record.record_id)}",
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": _SCHEMA,
        "dpv:hasIdentifier": record.record_id,
        "dpv:hasDataSubject": handle,
        "dpv:hasConsentStatus": _id(status),
        "dpv:hasNotice": _notice(record, notice),
        "dpv:hasProcess": _process(record, notice),
        "dct:hasPart": _event(record, status),
        "dct:provenance": _provenance(record),
    }


def _notice(record: Record, notice: Mapping[str, Any]) -> dict[str, Any]:
    told = notice.get("notice", {})
    return {
        "@type": "dpv:ConsentNotice",
        "dct:identifier": told.get("id", ""),
        "dct:hasVersion": told.get("version", ""),
        "dct:source": f"urn:sha256:{record.notice_hash.hex()}",
        "dct:language": record.language,
        # What the source itself showed, when it has a notice of its own.
        "dct:references": record.notice_version,
    }


def _process(record: Record, notice: Mapping[str, Any]) -> dict[str, Any]:
    told = notice.get("notice", {})
    purpose = notice.get("purposes", {}).get(record.purpose.partition("@")[0], {})
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": _purpose(record, purpose),
        **_terms("dpv:hasLegalBasis", purpose.get("legal_basis")),
        **_terms("dpv:hasPersonalData", *purpose.get("data", ())),
        **_terms("dpv:hasRecipient", *purpose.get("recipients", ())),
        "dpv:hasService": record.audience,
        **(_responsibilities(told) if told else {}),
    }


def _purpose(record: Record, purpose: dict[str, Any]) -> dict[str, Any]:
    about = {"@type": purpose["dpv"]} if "dpv" in purpose else {}
    texts = [{"@language": language, "@value": text} for language, text in purpose.get("description", {}).items()]
    return {
        **about,
        "dct:identifier": record.purpose,
        "dct:hasVersion": str(record.purpose_version),
        "dct:isPartOf": f"purposes {record.pack_version}",
        "dct:description": texts,
    }


def _responsibilities(told: dict[str, Any]) -> dict[str, Any]:
    storage = told["storage"]
    return {
        "dpv:hasDataController": {
            "@type": "dpv:DataController",
            "dpv:hasName": told["controller"]["name"],
            "dpv:hasContact": told["controller"]["contact"],
        },
        **_terms("dpv:hasJurisdiction", told["jurisdiction"]),
        **_terms("dpv:hasProcessing", told["collection"], *told["processing"]),
        **_terms("dpv:hasDataSource", told["source"]),
        "dpv:hasStorageCondition": {
            **_terms("dpv:hasLocation", storage["location"]),
            "dpv:hasDuration": _duration(storage["retention_days"]),
        },
        "dpv:hasConsentControl": {"@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": told["withdrawal"]},
        "dpv:hasRight": [{"@id": right, "dpv:isExercisedAt": told["rights"]} for right in told["rights_under"]],
    }


def _event(record: Record, status: str) -> dict[str, Any]:
    event = {
        "@type": status,
        "dpv:isIndicatedAtTime": _moment(record.stated_at_ms),
        "dpv:isIndicatedBy": record.actor,
        "dpv:hasIndicationMethod": record.method,
    }
    if record.expires_at_ms:
        event["dpv:hasDuration"] = _duration((record.expires_at_ms - record.stated_at_ms) // _DAY_MS)
        event["dct:valid"] = _moment(record.expires_at_ms)
    if record.conflicts_with:
        event["dct:description"] = f"conflicts with {record.conflicts_with}"
    return event


def _provenance(record: Record) -> dict[str, Any]:
    return {
        "dct:dateSubmitted": _moment(record.recorded_at_ms),
        "dct:identifier": f"{record.brand}/{record.shard}/{record.sequence}",
    }


def _terms(name: str, *terms: str | None) -> dict[str, Any]:
    known = [_id(term) for term in terms if term]
    return {name: known} if known else {}


def _id(term: str) -> dict[str, str]:
    return {"@id": term}


def _moment(at_ms: int) -> dict[str, str]:
    written = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return {"@type": "xsd:dateTime", "@value": written}


def _duration(days: int) -> dict[str, str]:
    return {"@type": "xsd:duration", "@value": f"P{days}D"}


def _uuid(record_id: str) -> str:
    parts = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
    return "-".join(record_id[start:end] for start, end in parts)
