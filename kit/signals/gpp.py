"""IAB Global Privacy Platform: the sections of a string, and the opt-outs of its United States sections."""

from dataclasses import dataclass, field

from kit.signals.bits import Bits
from kit.signals.refusals import SignalMalformedError

_TYPE, _VERSION = 3, 1
_TCF_EU, _USP = 2, 6
_MOST_SECTIONS = 64
_OPTED_OUT = 1
#: Of subsections: 0 is the core, 1 says whether a Global Privacy Control signal was seen.
_GPC_SUBSECTION = 1
_USP_CHARACTERS = 4
# Where the opt-outs stand in the core of each section, in bits: of sale, of sharing, of targeted advertising.
_NATIONAL = (18, 20, 22)
_CALIFORNIA = (12, 14, None)
_USUAL = (12, None, 14)
_WITH_PROCESSING_NOTICE = (14, None, 16)
_RECENT = (16, None, 18)
_PLACES: dict[int, tuple[int, int | None, int | None]] = {
    7: _NATIONAL,
    8: _CALIFORNIA,
    **dict.fromkeys((9, 10, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23), _USUAL),
    **dict.fromkeys((11, 18), _WITH_PROCESSING_NOTICE),
    **dict.fromkeys((24, 25, 26, 27), _RECENT),
}


@dataclass(frozen=True, slots=True)
class OptOuts:
    """What a person opted out of under one section."""

    sale: bool = False
    sharing: bool = False
    targeted_advertising: bool = False
    gpc: bool = False


@dataclass(frozen=True, slots=True)
class Gpp:
    """A decoded string: the TC string of its European section, "" for none, and opt-outs by number of section."""

    sections: tuple[int, ...]
    tcf: str = ""
    opt_outs: dict[int, OptOuts] = field(default_factory=dict)

    @property
    def opted_out(self) -> OptOuts:
        """Whatever was opted out of under any section: the strictest wins."""
        every = self.opt_outs.values()
        return OptOuts(
            sale=any(each.sale for each in every),
            sharing=any(each.sharing for each in every),
            targeted_advertising=any(each.targeted_advertising for each in every),
            gpc=any(each.gpc for each in every),
        )


def decode_gpp(text: str) -> Gpp:
    """Return what a GPP string says; sections it does not know are named and not read. Raises SignalMalformedError."""
    header, *bodies = text.split("~")
    sections = _sections(Bits(header))
    if len(sections) != len(bodies):
        raise SignalMalformedError("header and sections disagree", limit=f"{len(sections)} sections")
    by_number = dict(zip(sections, bodies, strict=True))
    opt_outs = {number: _opt_outs(body, _PLACES[number]) for number, body in by_number.items() if number in _PLACES}
    if _USP in by_number:
        opt_outs[_USP] = _us_privacy(by_number[_USP])
    return Gpp(sections, by_number.get(_TCF_EU, ""), opt_outs)


def _sections(header: Bits) -> tuple[int, ...]:
    if (header.number(6), header.number(6)) != (_TYPE, _VERSION):
        raise SignalMalformedError("not a GPP header of version 1")
    found: list[int] = []
    last = 0
    for _ in range(header.number(12)):
        is_range = header.number(1)
        first = last + header.fibonacci()
        last = first + header.fibonacci() if is_range else first
        if last - first >= _MOST_SECTIONS or len(found) >= _MOST_SECTIONS:
            raise SignalMalformedError("too many sections", limit=str(_MOST_SECTIONS))
        found += range(first, last + 1)
    return tuple(found)


def _opt_outs(body: str, places: tuple[int, int | None, int | None]) -> OptOuts:
    core, *rest = body.split(".")
    sale, sharing, advertising = (place is not None and _two_bits(core, place) == _OPTED_OUT for place in places)
    return OptOuts(sale, sharing, advertising, gpc=any(_has_gpc(Bits(each)) for each in rest))


def _two_bits(core: str, place: int) -> int:
    bits = Bits(core)
    bits.skip(place)
    return bits.number(2)


def _has_gpc(subsection: Bits) -> bool:
    return subsection.number(2) == _GPC_SUBSECTION and subsection.number(1) == 1


def _us_privacy(body: str) -> OptOuts:
    # Version, notice, opt-out of sale, covered by the IAB's agreement: "1YNN".
    if len(body) != _USP_CHARACTERS or body[0] != "1" or not set(body[1:].upper()) <= {"Y", "N", "-"}:
        raise SignalMalformedError("not a US Privacy string", limit="4 characters")
    return OptOuts(sale=body[2] in "Yy")
