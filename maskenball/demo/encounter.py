"""Plays one encounter between a visitor and the brand's avatar, and tells it on the terminal."""

import itertools
from collections.abc import Mapping
from typing import Any

import httpx
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel

Answer = Mapping[str, Any]


class Door:
    """One world's side of the avatar adapter."""

    def __init__(self, base_url: str, token: str, world: str, avatar: str) -> None:
        self._client = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
        self._world = world
        self._avatar = avatar
        self._numbers = itertools.count(1)

    def open(self, visitor: str) -> Answer:
        return self.frame(op="open", w=self._world, a=self._avatar, v=visitor, lang="en")

    def frame(self, **frame: object) -> Answer:
        """Send one frame and return its answer; raises for whatever is not a success."""
        answer = self._client.post("/a/v1", json={"i": f"demo-{next(self._numbers)}", **frame})
        answer.raise_for_status()
        result: Answer = answer.json()
        return result

    def close(self) -> None:
        self._client.close()


def play(home: Door, elsewhere: Door, visitor: str, console: Console) -> dict[str, object]:
    """Play the encounter in `home`, then meet the same visitor in `elsewhere`; returns what was answered."""
    tell = _Narrator(console)
    opened = home.open(visitor)
    visit = opened["s"]
    tell.step("A visitor steps up to Ada. What she may know, in this world, with this consent:", _view(opened))
    tell.step("Leave to speak unasked, one use each:", _grants(opened))

    advice = home.frame(op="ask", s=visit, k="rec", q="What would I like?")
    tell.step("The visitor asks for advice:", _action(advice))

    home.frame(op="act", s=visit, ref=advice["ref"], r="stopped")
    silent = home.frame(op="ask", s=visit, k="rec", unasked=True)
    tell.step("“Just looking.” Ada steps back. Her script asks whether she may suggest something:", _action(silent))

    home.frame(op="con", s=visit, take=["*"])
    blind = home.frame(op="ask", s=visit, k="rec", q="What would I like?")
    again = home.open(visitor)
    tell.step("The visitor withdraws every consent. The same question, a moment later:", _action(blind))
    tell.step("And the next visit:", _view(again))

    stranger = elsewhere.open(visitor)
    elsewhere.frame(op="con", s=stranger["s"], give=["personalise.world"])
    met = elsewhere.open(visitor)
    tell.step(
        "The same visitor in another world, after allowing that world to remember. Nothing in common:",
        f"here   {_handle(opened)}\nthere  {_handle(met)}",
    )
    return {
        "view": opened["p"],
        "advice": advice,
        "unasked_after_stop": silent,
        "after_withdrawal": blind,
        "view_after_withdrawal": again["p"],
        "handle": _handle(opened),
        "handle_elsewhere": _handle(met),
    }


class _Narrator:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._letters = itertools.count(ord("a"))

    def step(self, title: str, body: str) -> None:
        self._console.print(f"\n  {chr(next(self._letters))}) {title}", highlight=False)
        self._console.print(Padding(Panel(body, border_style="cyan", expand=False), (0, 0, 0, 5)), highlight=False)


def _handle(opened: Answer) -> str:
    return str(opened["p"].get("h", "none"))


# What the short keys of a view stand for, to somebody who reads them for the first time.
_MEANING = {
    "h": "handle, for this world alone",
    "likes": "likes",
    "dislikes": "dislikes",
    "wishes": "wishes",
    "kinds": "has (at least so often)",
    "day": "comes in the",
    "ago30": "30-day periods since the last visit",
    "mem": "remembered",
    "no": "not allowed to know, because",
}


def _view(opened: Answer) -> str:
    view = {meaning: opened["p"][key] for key, meaning in _MEANING.items() if key in opened["p"]}
    return "\n".join(f"{meaning:36} {_plain(value)}" for meaning, value in view.items())


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return str(value)


def _grants(opened: Answer) -> str:
    return ", ".join(f"{kind}, within {seconds} s" for kind, seconds in opened.get("g", {}).items()) or "none"


def _action(action: Answer) -> str:
    lines = [f"act   {action['act']}"]
    lines += [f"say   {action['say']}"] if action.get("say") else []
    lines += [f"why   {reason}" for reason in action.get("why", ())]
    lines += [f"quiet {action['quiet']} s"] if action.get("quiet") else []
    return "\n".join(lines)
