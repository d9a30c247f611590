"""Says what an answer may be: between the acknowledgement of a statement and the next, only what it said."""

from dataclasses import dataclass, field


@dataclass
class Judge:
    """`stale` reads allowed what was withdrawn; `late` ones denied what was granted, each after its acknowledgement."""

    cached: int = 0
    asked: int = 0
    unanswered: int = 0
    allowed: int = 0
    acknowledged: int = 0
    stale: list = field(default_factory=list)
    late: list = field(default_factory=list)
    #: By scope and key: what was acknowledged last; None while the next statement is under way.
    _settled: dict = field(default_factory=dict)
    #: Statements under way, with what had happened to all when they began.
    _begun: dict = field(default_factory=dict)
    _restores: int = 0
    #: Of scopes whose floor is being raised, the places about which nothing is said meanwhile; how often that was done.
    _falling: dict = field(default_factory=dict)
    _raises: dict = field(default_factory=dict)

    def begins(self, place):
        self._settled[place] = None
        self._begun[place] = self._upheavals(place)
        # What is allowed from now on may be committed behind the floor.
        self._falling.get(place[0], set()).discard(place)

    def settled(self, place, *, is_allowed):
        self.acknowledged += 1
        began = self._begun.pop(place, None)
        # A grant may have been lost, or fallen below a floor, between its commit and this; a withdrawal may not.
        is_known = not is_allowed or (began == self._upheavals(place) and place[0] not in self._falling)
        self._settled[place] = (self.acknowledged, is_allowed) if is_known else None

    def raising(self, scope):
        """Note that a floor is being raised; False when one is already."""
        if scope in self._falling:
            return False
        self._falling[scope] = {place for place in self._settled if place[0] == scope and place not in self._begun}
        for place, settled in self._settled.items():
            if place[0] == scope and settled is not None and settled[1]:
                self._settled[place] = None
        return True

    def raised(self, scope):
        """Nothing counts any more that was allowed before the raise began."""
        self.acknowledged += 1
        self._raises[scope] = self._raises.get(scope, 0) + 1
        for place in self._falling.pop(scope, ()):
            self._settled[place] = (self.acknowledged, False)

    def _upheavals(self, place):
        return self._restores, self._raises.get(place[0], 0)

    def restored(self):
        """What was granted may be unknown from now on; what was withdrawn stays so."""
        self._restores += 1
        for place, settled in self._settled.items():
            if settled is not None and settled[1]:
                self._settled[place] = None

    def expected(self, place):
        return self._settled.get(place)

    def read(self, place, expected, at, *, is_allowed):
        """Judge an answer to a read at whose start `expected` was in force."""
        self.allowed += is_allowed
        # A statement that began while the read was under way may be seen or not.
        if expected is None or expected != self._settled.get(place) or is_allowed == expected[1]:
            return
        (self.stale if is_allowed else self.late).append((round(at, 3), place))

    @property
    def reads(self):
        return self.cached + self.asked
