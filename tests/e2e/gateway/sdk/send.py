"""Sends what a plan says through an unmodified Python SDK: python send.py NAME PLAN."""

import json
import sys
from typing import Any

name, plan = sys.argv[1], json.loads(sys.argv[2])
failures: list[str] = []


def lost(error: Exception, _: object) -> None:
    failures.append(str(error))


def segment() -> Any:
    from segment.analytics import Client

    return Client(plan["writeKey"], host=plan["host"], gzip=plan["gzip"], on_error=lost)


def rudder() -> Any:
    import rudderstack.analytics as rudder_analytics

    rudder_analytics.write_key = plan["writeKey"]
    rudder_analytics.dataPlaneUrl = plan["host"]
    rudder_analytics.gzip = plan["gzip"]
    rudder_analytics.on_error = lost
    return rudder_analytics


def context() -> dict[str, Any]:
    # New each time: the SDKs write into it.
    return {"consent": {"categoryPreferences": {"collect.behaviour": True, "personalise.world": True}}}


analytics = {"segment-python": segment, "rudder-python": rudder}[name]()
visitor = plan["visitor"]
analytics.identify(visitor, {"email": "ann@example.com"}, context=context(), anonymous_id=f"{visitor}-before")
analytics.alias(f"{visitor}-earlier", visitor, context=context())
analytics.group(visitor, "club", {"name": "Example Club"}, context=context())
analytics.page(visitor, "Games", "Board games", context=context())
analytics.screen(visitor, "Games", "Board games", context=context())
for number in range(plan["tracks"]):
    properties = {"product_id": f"g-{number % 7}", "category": "Games", "price": 12.5, "note": "x" * plan["padding"]}
    analytics.track(visitor, "Product Viewed", properties, context=context())
analytics.flush()
analytics.join()
sys.stdout.write(json.dumps({"failures": failures}))
