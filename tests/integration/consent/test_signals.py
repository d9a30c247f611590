from dataclasses import replace

import pytest

from services.consent.chain import first_break, genesis
from services.consent.domain import GPC, Holder, Intent, Reason, State, Statement
from services.consent.repository import histories
from services.consent.use_cases import check as checking
from services.consent.use_cases import state as stating

HOLDER = Holder("oak", 7, b"p" * 16, "app:shop")
SHARE, LINK, WORLD = "share.brand_profile", "link.cross_world", "personalise.world"
SAID = Statement(HOLDER, Intent.GRANT, (SHARE,), 0, "rest", "2026-01", "de")
SIGNAL = replace(SAID, intent=Intent.WITHDRAW, method=GPC)
BY_NAME = replace(SAID, named_brand="oak")


@pytest.fixture
def say(consent_database, around, clock):
    async def say(statement, **changed):
        clock.ms += 1
        async with consent_database.transaction() as connection:
            return (await stating.state(connection, around, replace(statement, **changed))).consents

    return say


@pytest.fixture
def reason(consent_database, around):
    async def reason(purpose=SHARE):
        [decision] = await checking.check(consent_database, around, HOLDER, [purpose])
        return decision.reason

    return reason


@pytest.fixture
def chain(consent_database):
    async def chain():
        async with consent_database.reading() as connection:
            return await histories.read_chain(connection, "oak", 7)

    return chain


class TestGlobalPrivacyControl:
    async def test_a_signal_refuses_what_was_allowed_before(self, say, reason, chain):
        await say(SAID)
        await say(SIGNAL)
        assert await reason() is Reason.WITHDRAWN
        record, _ = (await chain())[-1]
        assert (record.method, record.actor, record.state) == ("gpc", "browser", "withdrawn")

    async def test_what_the_same_request_allows_is_refused_if_the_signal_concerns_it(self, say, reason):
        share, world = await say(SAID, purposes=(SHARE, WORLD), has_gpc=True)
        assert (share.state, share.method) == (State.WITHDRAWN, "gpc")
        assert (world.state, world.method) == (State.GIVEN, "rest")
        assert await reason(WORLD) is Reason.GRANTED

    async def test_a_request_refuses_with_its_signal_what_it_does_not_speak_of(self, say, reason):
        await say(SAID, purposes=(SHARE, LINK))
        await say(SAID, purposes=(WORLD,), has_gpc=True)
        assert [await reason(purpose) for purpose in (SHARE, LINK)] == [Reason.WITHDRAWN] * 2

    async def test_a_later_grant_that_names_no_brand_stays_without_effect(self, say, reason):
        await say(SIGNAL)
        [share] = await say(SAID)
        assert share.state is State.WITHDRAWN
        assert await reason() is Reason.WITHDRAWN

    @pytest.mark.parametrize("method", ["sdk-preferences", "tcf", "gpp"])
    async def test_a_signal_of_a_banner_is_no_explicit_opt_in(self, say, reason, method):
        await say(SIGNAL)
        await say(BY_NAME, method=method)
        assert await reason() is Reason.WITHDRAWN

    async def test_an_opt_in_to_another_brand_is_none_to_this_one(self, say, reason):
        await say(SIGNAL)
        await say(SAID, named_brand="elm")
        assert await reason() is Reason.WITHDRAWN

    @pytest.mark.parametrize("has_gpc", [False, True])
    async def test_a_later_opt_in_to_the_brand_by_name_overrides_and_is_recorded_as_a_conflict(
        self, say, reason, chain, has_gpc
    ):
        await say(SIGNAL)
        [share] = await say(BY_NAME, has_gpc=has_gpc)
        assert (share.state, share.conflicts_with) == (State.GIVEN, "gpc")
        assert await reason() is Reason.GRANTED
        given = [record for record, _ in await chain() if record.purpose == SHARE]
        assert [record.conflicts_with for record in given] == ["", "gpc"]

    async def test_the_signal_of_every_request_since_does_not_undo_the_opt_in(self, say, reason, chain):
        await say(BY_NAME, has_gpc=True)
        length = len(await chain())
        await say(SIGNAL)
        await say(SAID, purposes=(SHARE,), has_gpc=True)
        assert await reason() is Reason.GRANTED
        assert len(await chain()) == length

    async def test_a_renewal_keeps_the_conflict(self, say):
        await say(BY_NAME, has_gpc=True)
        [renewed] = await say(BY_NAME)
        assert (renewed.state, renewed.conflicts_with) == (State.RENEWED, "gpc")

    async def test_taking_the_opt_in_back_ends_it(self, say, reason):
        await say(BY_NAME, has_gpc=True)
        await say(SAID, intent=Intent.WITHDRAW)
        await say(SIGNAL)
        await say(SAID)
        assert await reason() is Reason.WITHDRAWN

    async def test_the_same_signal_again_is_recorded_once(self, say, chain):
        for _ in range(3):
            await say(SIGNAL)
        assert len(await chain()) == 1

    async def test_purposes_that_stay_with_the_source_are_not_concerned(self, say, reason):
        await say(SAID, purposes=(WORLD,), has_gpc=True)
        assert await reason(WORLD) is Reason.GRANTED


class TestOthersByName:
    async def test_each_pair_has_a_consent_of_its_own(self, say, reason):
        await say(SAID, purposes=(f"{LINK}@world:mall",))
        assert await reason(f"{LINK}@world:mall") is Reason.GRANTED
        assert await reason(f"{LINK}@world:pier") is Reason.NEVER_ASKED
        assert await reason(LINK) is Reason.NEVER_ASKED

    @pytest.mark.parametrize("purpose", [f"{LINK}@brand:elm", f"{WORLD}@world:mall", f"{LINK}@", f"{LINK}@mall"])
    async def test_a_side_that_the_purpose_does_not_have_is_unknown(self, reason, purpose):
        assert await reason(purpose) is Reason.UNKNOWN_PURPOSE

    @pytest.mark.parametrize("taken", [(), (LINK,)])
    async def test_taking_back_all_takes_back_what_was_allowed_by_name(self, say, reason, taken):
        await say(SAID, purposes=(f"{LINK}@world:mall", f"{LINK}@app:other"))
        await say(SAID, intent=Intent.WITHDRAW, purposes=taken)
        for side in ("world:mall", "app:other"):
            assert await reason(f"{LINK}@{side}") is Reason.WITHDRAWN

    async def test_a_signal_refuses_what_was_allowed_by_name(self, say, reason):
        await say(SAID, purposes=(f"{LINK}@world:mall",))
        await say(SAID, purposes=(WORLD,), has_gpc=True)
        assert await reason(f"{LINK}@world:mall") is Reason.WITHDRAWN

    async def test_the_chain_is_whole_with_all_of_it(self, say, chain):
        await say(SAID, purposes=(f"{LINK}@world:mall", SHARE))
        await say(SAID, purposes=(WORLD,), has_gpc=True)
        await say(BY_NAME)
        assert first_break(genesis("oak", 7), await chain()) is None
