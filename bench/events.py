"""Requests in the shape that SDKs send: events of about 1 KB, users drawn with Zipf skew.

A body holds MARK where each message id counts up: the load generator writes its counter there before every send.
"""

import json
import random
from collections.abc import Iterator

MARK = "@" * 12
_SKEW = 1.1
_ITEMS = 1_500
_TOPICS = ("comedy", "drama", "fantasy", "horror", "mystery", "war", "western", "crime")
_EVENTS = (
    ("Product Viewed", 12),
    ("Product Clicked", 5),
    ("Product Added", 3),
    ("Products Searched", 2),
    ("Product Reviewed", 2),
    ("Order Completed", 1),
)
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"


class Crowd:
    """Users by number; the n-th is drawn in proportion to 1 / n to the power 1.1."""

    def __init__(self, size: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.size = size
        self._weights = [1 / (place + 1) ** _SKEW for place in range(size)]

    def draw(self, count: int) -> list[str]:
        """Return user ids."""
        return [user(number) for number in self.rng.choices(range(self.size), self._weights, k=count)]


def user(number: int) -> str:
    """Return the id of a user."""
    return f"bench-user-{number:06d}"


def event(user_id: str, run: str, rng: random.Random, at: str) -> dict[str, object]:
    """Return one event as analytics-next sends it, about 1,000 bytes as JSON."""
    names, weights = zip(*_EVENTS, strict=True)
    number = min(int(rng.paretovariate(0.6)), _ITEMS)
    return {
        "timestamp": at,
        "integrations": {"Segment.io": True},
        "type": "track",
        "userId": user_id,
        "anonymousId": None,
        "event": rng.choices(names, weights)[0],
        "properties": {
            "product_id": f"item-{number}",
            "sku": f"S-{number:05d}",
            "category": rng.choice(_TOPICS),
            "name": f"Thing number {number} of our catalogue",
            "brand": "Oak",
            "variant": "standard",
            "price": 19.99,
            "rating": rng.randint(1, 5),
            "quantity": 1,
            "currency": "EUR",
            "position": rng.randint(1, 40),
            "url": f"https://shop.example/things/{number}",
        },
        "context": {
            "page": {
                "path": f"/things/{number}",
                "referrer": "https://shop.example/",
                "search": "",
                "title": f"Thing number {number} - Oak shop",
                "url": f"https://shop.example/things/{number}",
            },
            "userAgent": _AGENT,
            "campaign": {"name": "autumn", "source": "newsletter", "medium": "mail", "content": "header"},
            "screen": {"width": 2560, "height": 1440, "density": 1},
            "locale": "de-DE",
            "timezone": "Europe/Berlin",
            "library": {"name": "analytics.js", "version": "npm:next-1.84.0"},
        },
        "messageId": f"ajs-next-{run}-{MARK}",
    }


def batches(crowd: Crowd, run: str, at: str, *, size: int, count: int) -> Iterator[bytes]:
    """Yield bodies of /v1/batch with `size` events each."""
    for _ in range(count):
        events = [event(user_id, run, crowd.rng, at) for user_id in crowd.draw(size)]
        yield _json({"batch": events, "sentAt": at})


def singles(crowd: Crowd, run: str, at: str, *, count: int) -> Iterator[bytes]:
    """Yield bodies of /v1/track."""
    for user_id in crowd.draw(count):
        yield _json({**event(user_id, run, crowd.rng, at), "sentAt": at})


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
