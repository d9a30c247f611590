"""The services behind the door and what the door keeps of the brand's catalogue."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from avatar_adapter.domain import Visit, World
from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.common.v1.subject_pb2 import FormerId, Subject
from kit.errors import UnavailableError

if TYPE_CHECKING:
    # The generated module has it in its types alone.
    from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceAsyncStub
    from contracts.profile.v1.profile_pb2_grpc import ProfileServiceAsyncStub

_MOST_ITEMS = 10_000
_TOPICS_AGE_S = 60.0


def subject_message(world: World, visit: Visit) -> Subject:
    """Return whoever visits as the services know them."""
    former = [FormerId(version=version, eid=eid) for version, eid in visit.former]
    return Subject(brand=world.brand, audience=world.audience, eid=visit.eid, version=visit.version, former=former)


def visit_message(world: World, visit: Visit) -> pb.Visit:
    """Return the visit as the avatar service takes it."""
    return pb.Visit(
        visit_id=visit.id,
        subject=subject_message(world, visit),
        avatar=visit.avatar,
        expires_at_ms=visit.expires_at * 1000,
    )


def told(profiles: "ProfileServiceAsyncStub | None") -> "ProfileServiceAsyncStub":
    """Return the profile service; raises UnavailableError when this door was not told where it is."""
    if profiles is None:
        raise UnavailableError("this door was not told where the profile service is", retry_after_s=60)
    return profiles


class Catalogue:
    """Topics of the brand's items, kept for a minute: worlds name an item and never say what it is about."""

    def __init__(self, avatars: "AvatarServiceAsyncStub", monotonic: Callable[[], float]) -> None:
        """Take the service that owns the catalogue and a clock in seconds."""
        self._avatars = avatars
        self._monotonic = monotonic
        self._topics: OrderedDict[tuple[str, str], tuple[float, tuple[str, ...]]] = OrderedDict()

    async def topics(self, brand: str, item: str) -> tuple[str, ...]:
        """Return up to 5 topics, none for what is not in the catalogue; raises what the avatar service raises."""
        known = self._topics.get((brand, item))
        if known and self._monotonic() - known[0] < _TOPICS_AGE_S:
            return known[1]
        answer = await self._avatars.ListItems(pb.ListItemsRequest(brand=brand, ids=[item]))
        topics = tuple(answer.items[0].topics[:5]) if answer.items else ()
        self._topics[brand, item] = (self._monotonic(), topics)
        if len(self._topics) > _MOST_ITEMS:
            self._topics.popitem(last=False)
        return topics
