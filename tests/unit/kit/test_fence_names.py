from kit.fence import EVERY, Change, Lease, Names, Scope

SCOPE = Scope("oak", 1)
PID = b"p" * 16


class TestNames:
    def test_a_name_is_the_same_in_every_process_of_a_key_ring_and_tells_nothing(self, keyring):
        name = Names(keyring).of(PID)
        assert name == Names(keyring).of(PID)
        assert (len(name), name == PID) == (16, False)

    def test_a_key_that_is_added_changes_no_name(self, keyring):
        before = Names(keyring).of(PID)
        keyring.create("fence")
        assert Names(keyring).of(PID) == before

    def test_changes_are_told_by_name_and_leases_as_they_are(self, keyring):
        names = Names(keyring)
        lease = Lease(1, ((SCOPE, 2),), 3)
        [told] = names.tell((Change(SCOPE, 1, 2, (PID, EVERY)),))
        assert told == Change(SCOPE, 1, 2, (names.of(PID), EVERY))
        assert names.tell(lease) is lease
