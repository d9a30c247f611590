"""What may cross to an audience: a view that enough others share, made coarser until they do.

Pairwise handles do not unlink by themselves: whoever holds the exports of two audiences compares what the views say.
So a view is published on the first rung of a ladder on which it is one of many. A rung is a function of the view;
which views are open on it is read from counts over an audience, which name no persona.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.profile.views import View

_TELLING_APART = ("recency_periods", "day_part", "relationship")
_BESIDE_TASTE = (*_TELLING_APART, "kinds", "channels", "wishes")
_BESIDE_LIKES = (*_BESIDE_TASTE, "dislikes")
#: What the first rungs withhold. Rungs below them withhold likes, those of the fewest first.
_RUNGS: tuple[tuple[str, ...], ...] = (
    (),
    ("recency_periods", "day_part", "relationship"),
    _BESIDE_TASTE,
    _BESIDE_LIKES,
)
_LIKES_KEPT = (2, 1)
_LEVELS = len(_RUNGS) + len(_LIKES_KEPT)
_NOTHING = View(withheld=(*_BESIDE_LIKES, "likes"))


@dataclass(frozen=True, slots=True)
class Crowding:
    """How many personas must share what is published, and which share of their audience.

    What a share s of an audience has in common raises the odds of linking one of them by 1 / s at most.
    """

    least: int
    share: float = 0.0

    def needed(self, personas: int) -> int:
        """Return how many of so many must share a view."""
        return max(self.least, math.ceil(self.share * personas))


@dataclass(frozen=True, slots=True)
class Crowd:
    """What is open to one audience, and how many there like each topic. As it is made, nothing is."""

    opened: frozenset[View] = frozenset()
    liked: Mapping[str, int] | None = None

    def publish(self, view: View) -> View:
        """Return the finest form of the view that is open; without one, a view that says nothing."""
        forms = (_form(view, level, self.liked or {}) for level in range(_LEVELS))
        return next((form for form in forms if form in self.opened), _NOTHING)


def gather(views: Mapping[View, int], crowding: Crowding) -> Crowd:
    """Return what is open to an audience, so many of whose personas have these views.

    From the finest rung down: what enough of those left share is opened, and they are left no more. So whoever is
    published in some form is one of that many who are published in this form, not of many who could be.
    """
    needed = crowding.needed(sum(views.values()))
    liked = _liked(views, crowding.least)
    opened: Counter[View] = Counter()
    left = dict(views)
    for level in range(_LEVELS):
        forms = {view: _form(view, level, liked) for view in left}
        sharing = _summed(forms, left)
        opened.update({form: count for form, count in sharing.items() if count >= needed})
        left = {view: count for view, count in left.items() if forms[view] not in opened}
    _hide_the_rest(opened, sum(left.values()), needed)
    return Crowd(frozenset(opened), liked)


def _form(view: View, level: int, liked: Mapping[str, int]) -> View:
    if level < len(_RUNGS):
        return _without(view, _RUNGS[level])
    ranked = sorted(view.likes, key=lambda topic: (-liked.get(topic, 0), topic))
    kept = tuple(sorted(ranked[: _LIKES_KEPT[level - len(_RUNGS)]]))
    return replace(_NOTHING, likes=kept)


def _without(view: View, fields: tuple[str, ...]) -> View:
    silent = {name: getattr(_NOTHING, name) for name in fields}
    return replace(view, **silent, withheld=fields)


def _liked(views: Mapping[View, int], least: int) -> dict[str, int]:
    liked: Counter[str] = Counter()
    for view, count in views.items():
        liked.update(dict.fromkeys(view.likes, count))
    # A topic of a few would name them where this is kept.
    return {topic: count for topic, count in liked.items() if count >= least}


def _summed(forms: Mapping[View, View], counts: Mapping[View, int]) -> Counter[View]:
    sharing: Counter[View] = Counter()
    for view, form in forms.items():
        sharing[form] += counts[view]
    return sharing


def _hide_the_rest(opened: Counter[View], rest: int, needed: int) -> None:
    """Let those of whom nothing is said be many, too: the smallest crowds of one like join them."""
    silent = rest + opened[_NOTHING]
    smallest = sorted(
        (form for form in opened if form.withheld == _NOTHING.withheld and len(form.likes) == 1),
        key=lambda form: (opened[form], form.likes),
    )
    for form in smallest:
        if not 0 < silent < needed:
            return
        silent += opened.pop(form)
