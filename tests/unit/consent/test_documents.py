import json

import pytest
from rdflib import DCTERMS, Graph, Namespace, URIRef

from services.consent.chain import Record
from services.consent.documents import document
from services.consent.notices import load_notice, sealed
from services.consent.purposes import load_purposes

# The library warns of its own use of what it is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")

DPV = Namespace("https://w3id.org/dpv#")
PURPOSES = load_purposes()
NOTICE = load_notice(PURPOSES)
HANDLE = "1.9d41b7ad7aa1c12b5d3fd1ec56bb3f31"
# Terms of the Data Privacy Vocabulary 2.3 (https://w3id.org/dpv/2.3, 2026-02-25) that records use, by namespace.
TERMS = {
    "https://w3id.org/dpv#": """
        Collect CommunicationForCustomerCare ConsentGiven ConsentNotice ConsentReceipt ConsentRecord ConsentUnknown
        ConsentWithdrawn CustomerRelationshipManagement DataController DataSubjectDataSource DirectMarketing
        EnforceSecurity Infer Personalisation Process ProvidePersonalisedRecommendations RenewedConsentGiven
        ResearchAndDevelopment ServicePersonalisation ServiceProvision ServiceUsageAnalytics Store ThirdParty Use
        WithdrawConsent hasConsentControl hasConsentStatus hasContact hasDataController hasDataSource hasDataSubject
        hasDuration hasIdentifier hasIndicationMethod hasJurisdiction hasLegalBasis hasLocation hasName hasNotice
        hasPersonalData hasProcess hasProcessing hasPurpose hasRecipient hasRight hasService hasStorageCondition
        isExercisedAt isIndicatedAtTime isIndicatedBy""",
    "https://w3id.org/dpv/pd#": "Historical Profile Social Tracking",
    "https://w3id.org/dpv/loc#": "EU",
    "https://w3id.org/dpv/legal/eu/gdpr#": "A6-1-a A6-1-b A6-1-f A7-3 A15 A16 A17 A20 A21",
}
KNOWN = {URIRef(namespace + term) for namespace, terms in TERMS.items() for term in terms.split()}
#: What ISO/IEC TS 27560 makes mandatory, as properties of the record or of what hangs on it.
MANDATORY = (
    DPV.hasIdentifier,
    DPV.hasDataSubject,
    DPV.hasNotice,
    DPV.hasPurpose,
    DPV.hasLegalBasis,
    DPV.hasPersonalData,
    DPV.hasDataSource,
    DPV.hasDataController,
    DPV.hasName,
    DPV.hasContact,
    DPV.hasProcessing,
    DPV.hasStorageCondition,
    DPV.hasLocation,
    DPV.hasDuration,
    DPV.hasJurisdiction,
    DPV.hasConsentControl,
    DPV.hasRight,
    DPV.hasConsentStatus,
    DPV.isIndicatedAtTime,
    DPV.isIndicatedBy,
    DPV.hasIndicationMethod,
    DCTERMS.conformsTo,
    DCTERMS.hasVersion,
    DCTERMS.language,
)


def record(purpose="recommend.offer", state="given", **changed):
    fields = {
        "brand": "oak",
        "shard": 7,
        "sequence": 3,
        "record_id": "0123456789abcdef0123456789abcdef",
        "pid": b"p" * 16,
        "audience": "app:shop",
        "purpose": purpose,
        "purpose_version": 1,
        "pack_version": "1",
        "state": state,
        "stated_at_ms": 1_750_000_000_000,
        "expires_at_ms": 1_781_536_000_000 if state != "withdrawn" else 0,
        "recorded_at_ms": 1_750_000_000_500,
        "method": "rest",
        "notice_version": "2026-01",
        "language": "de",
        "actor": "person",
        "notice_hash": NOTICE.hash,
    }
    return Record(**(fields | changed))


def graph(of):
    return Graph().parse(data=json.dumps(document(of, NOTICE.content, HANDLE)), format="json-ld")


def used(triples):
    return {
        term
        for triple in triples
        for term in triple
        if isinstance(term, URIRef) and term.startswith("https://w3id.org/dpv")
    }


class TestDocument:
    @pytest.mark.parametrize("state", ["given", "renewed", "withdrawn"])
    @pytest.mark.parametrize("purpose", [each.id for each in PURPOSES.ordered] + ["link.cross_world@world:mall"])
    def test_every_term_is_one_of_the_vocabulary(self, purpose, state):
        terms = used(graph(record(purpose, state)))
        assert terms <= KNOWN
        assert len(terms) > 25

    @pytest.mark.parametrize("purpose", [each.id for each in PURPOSES.ordered])
    def test_every_mandatory_field_is_there(self, purpose):
        properties = set(graph(record(purpose)).predicates())
        assert [field for field in MANDATORY if field not in properties] == []

    def test_nothing_tells_the_persona_but_the_handle_of_its_audience(self):
        assert record().pid.hex() not in json.dumps(document(record(), NOTICE.content, HANDLE))

    def test_an_opt_in_against_a_signal_says_so(self):
        written = document(record(conflicts_with="gpc"), NOTICE.content, HANDLE)
        assert written["dct:hasPart"]["dct:description"] == "conflicts with gpc"

    def test_a_record_from_before_notices_says_what_it_knows(self):
        written = document(record(layout=1, actor="", notice_hash=b""), {}, HANDLE)
        assert written["dpv:hasProcess"]["dpv:hasPurpose"]["dct:identifier"] == "recommend.offer"


class TestNotice:
    def test_the_order_of_keys_is_no_change(self):
        assert sealed({"a": 1, "b": 2}) == sealed({"b": 2, "a": 1})

    def test_any_change_shows(self):
        changed = {**NOTICE.content, "purposes_version": "2"}
        assert sealed(changed).hash != NOTICE.hash
