"""Benefit by contacts as an SVG: the bars are the corner at the upper left."""

from collections.abc import Iterator, Mapping

from bench.polite.playing import Outcome

_WIDTH, _HEIGHT, _MARGIN = 640, 420, 56
_MOST_CONTACTS, _MOST_BENEFIT = 1.6, 1.1
#: At most so much of always' contacts, at least so much of the reachable benefit.
_BARS = (0.4, 0.95)


def plot(played: Mapping[str, Outcome]) -> str:
    """Return the picture: a dot for each, our own in another colour."""
    dots = "".join(_dots(played))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>{_bars()}{_axes()}{dots}</svg>\n'
    )


def _dots(played: Mapping[str, Outcome]) -> Iterator[str]:
    contacts, benefit = played["always"].contacts, played["oracle"].benefit
    for name, outcome in played.items():
        x, y = _place(outcome.contacts / contacts, outcome.benefit / benefit)
        colour = "#b3261e" if name.startswith("maskenball") else "#3b4a6b"
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'
        yield f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" fill="{colour}">{name.replace("_", " ")}</text>'


def _bars() -> str:
    x, y = _place(*_BARS)
    return f'<rect x="{_MARGIN}" y="10" width="{x - _MARGIN:.1f}" height="{y - 10:.1f}" fill="#e4f1e4"/>'


def _axes() -> str:
    bottom, right = _HEIGHT - _MARGIN, _WIDTH - 10
    return (
        f'<path d="M{_MARGIN} 10V{bottom}H{right}" fill="none" stroke="#888"/>'
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 16}" text-anchor="middle">contacts, of always</text>'
        f'<text x="16" y="{_HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 {_HEIGHT / 2})">'
        "benefit, of reachable</text>"
        + "".join(_tick(share / 4, 0.0) for share in range(int(_MOST_CONTACTS * 4) + 1))
        + "".join(_tick(0.0, share / 4) for share in range(1, int(_MOST_BENEFIT * 4) + 1))
    )


def _tick(contacts: float, benefit: float) -> str:
    x, y = _place(contacts, benefit)
    if benefit:
        return f'<text x="{x - 6}" y="{y + 4:.1f}" text-anchor="end">{benefit:g}</text>'
    return f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{contacts:g}</text>'


def _place(contacts: float, benefit: float) -> tuple[float, float]:
    bottom = _HEIGHT - _MARGIN
    return (
        _MARGIN + contacts / _MOST_CONTACTS * (_WIDTH - _MARGIN - 10),
        bottom - benefit / _MOST_BENEFIT * (bottom - 10),
    )
