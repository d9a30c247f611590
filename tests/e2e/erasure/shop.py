"""An app that plants personas in a running stack, reads them, and has them erased."""

import time
import uuid

import httpx

PURPOSES = ("collect.behaviour", "personalise.world", "recommend.offer", "research.model")
_CONSENT = {"consent": {"categoryPreferences": dict.fromkeys(PURPOSES, True)}}
_TOPICS = ("comedy", "drama", "horror")


class Shop:
    """One app of a stack."""

    def __init__(self, endpoints):
        self._key = {"authorization": f"Bearer {endpoints['write_key']}"}
        self._base = endpoints["gateway"]

    def post(self, path, **body):
        return self._ask("POST", path, json=body)

    def events(self, user, *, count=6, at=None):
        at = at or time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at))
        return [
            {
                "type": "track",
                "userId": user,
                "event": "Order Completed",
                "timestamp": stamp,
                "messageId": uuid.uuid4().hex,
                "context": _CONSENT,
                "properties": {"product_id": f"item-{number}", "category": _TOPICS[number % len(_TOPICS)]},
            }
            for number in range(count)
        ]

    def track(self, events):
        return self.post("batch", batch=events)

    def plant(self, users):
        """Let every user do something, and return once that is folded."""
        planted = [event for user in users for event in self.events(user)]
        for start in range(0, len(planted), 100):
            self.track(planted[start : start + 100])
        for user in users:
            eventually(lambda user=user: self.likes(user))

    def likes(self, user):
        view = self.post("persona", userId=user, purpose="personalise.world")["view"]
        return view and view["likes"]

    def erase(self, user):
        return self.post("erase", userId=user)

    def erasure(self, erasure):
        return self._ask("GET", f"erasures/{erasure}")

    def _ask(self, method, path, **facts):
        answer = httpx.request(method, f"{self._base}/v1/{path}", headers=self._key, timeout=30, **facts)
        answer.raise_for_status()
        return answer.json()


def eventually(holds, *, within_s=60.0, every_s=0.05):
    """Return what `holds` says once that is true."""
    end = time.monotonic() + within_s
    while not (found := holds()):
        if time.monotonic() > end:
            raise AssertionError("it never held")
        time.sleep(every_s)
    return found
