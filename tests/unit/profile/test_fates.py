from services.profile.fates import DUPLICATE, Fate, Kept, Sheet


def kept(sheet):
    return Kept(sheet.packed(), sheet.reasons())


class TestSheet:
    def test_a_batch_of_one_fate_takes_one_byte(self):
        sheet = Sheet(5_000)
        assert len(sheet.packed()) == 1
        assert kept(sheet).of(4_990, 10) == [Fate("stored")] * 10

    def test_every_event_keeps_its_own(self):
        sheet = Sheet(6)
        sheet.codes[1] = DUPLICATE
        sheet.quarantine(3, "malformed", "timestamp")
        sheet.quarantine(4, "unknown_event", "event")
        sheet.quarantine(5, "unknown_event", "event")
        malformed, unknown = (
            Fate("quarantined", "malformed", "timestamp"),
            Fate("quarantined", "unknown_event", "event"),
        )
        assert kept(sheet).of(0, 6) == [
            Fate("stored"),
            Fate("duplicate", "seen_before"),
            Fate("stored"),
            malformed,
            unknown,
            unknown,
        ]
        assert kept(sheet).of(2, 2) == [Fate("stored"), malformed]

    def test_more_reasons_than_there_are_numbers_break_nothing(self):
        sheet = Sheet(300)
        for place in range(300):
            sheet.quarantine(place, "malformed", f"field{place}")
        fates = kept(sheet).of(0, 300)
        assert fates[239] == Fate("quarantined", "malformed", "field239")
        assert {each.fate for each in fates} == {"quarantined"}

    def test_no_events_are_no_fates(self):
        assert kept(Sheet(0)).of(0, 0) == []
