"""Every RPC names the brand that it is about, so that no database session works for all by accident."""

import pytest
from google.protobuf.descriptor import MethodDescriptor

from contracts.avatar.v1 import avatar_pb2
from contracts.common.v1.subject_pb2 import Persona, Subject
from contracts.consent.v1 import consent_pb2
from contracts.profile.v1 import profile_pb2
from contracts.recommendation.v1 import recommendation_pb2
from kit.rpc.tenants import brand_of

_SERVICES = [
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (avatar_pb2, "AvatarService"),
        (consent_pb2, "ConsentService"),
        (profile_pb2, "ProfileService"),
        (recommendation_pb2, "RecommendationService"),
    )
]
#: About no brand: a reader's connection holds what it read of all, and receipts of all are signed with one key.
_BRANDLESS = {"Hold", "HoldNamed", "ListReceiptKeys"}
METHODS = [method for service in _SERVICES for method in service.methods if method.name not in _BRANDLESS]


def _plant(message: object, depth: int = 3) -> bool:
    """Name a brand wherever the message has room for one, as a caller would."""
    planted = False
    for field in message.DESCRIPTOR.fields:  # type: ignore[attr-defined]
        if field.name == "brand":
            message.brand = "oak"  # type: ignore[attr-defined]
            planted = True
        elif field.message_type is not None and depth:
            part = field.message_type._concrete_class()
            if _plant(part, depth - 1):
                held = getattr(message, field.name)
                held.append(part) if field.is_repeated else held.CopyFrom(part)
                planted = True
    return planted


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_every_rpc_names_its_brand(method: MethodDescriptor) -> None:
    request = method.input_type._concrete_class()
    assert brand_of(request) == ""
    assert _plant(request)
    assert brand_of(request) == "oak"


class TestBrandOf:
    def test_what_a_message_says_itself_counts(self) -> None:
        request = recommendation_pb2.RecommendRequest(brand="oak", subject=Subject(brand="elm"))
        assert brand_of(request) == "oak"

    def test_of_a_list_the_first_counts(self) -> None:
        personas = [Persona(brand="oak"), Persona(brand="elm")]
        assert brand_of(avatar_pb2.ErasePersonasRequest(personas=personas)) == "oak"

    def test_either_of_two_ways_to_name_somebody(self) -> None:
        named = profile_pb2.ExplainConsentRequest(named=profile_pb2.Named(brand="oak"))
        assert brand_of(named) == "oak"
        assert brand_of(profile_pb2.ExplainConsentRequest(subject=Subject(brand="elm"))) == "elm"

    def test_what_is_no_message_names_none(self) -> None:
        assert brand_of(b"oak") == ""
