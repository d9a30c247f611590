"""Links between audiences: by a code that is good once and not for long, read while both agree, gone when undone."""

import asyncio

import pytest

from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1 import profile_pb2 as contract
from kit.errors import RemoteError
from kit.fence import Familiar
from services.profile import codes
from services.profile.domain import COLLECT, Kind
from services.profile.traits import encode
from services.profile.use_cases import consents, link, read
from services.profile.use_cases.read import FamiliarPersonas, Parts
from tests.integration.profile.door import BRAND, SHOP, subject, subject_message

PERSONALISE, OFFER = "personalise.world", "recommend.offer"
MALL, PLAZA = "world:mall", "world:plaza"
STATED = Statement(method="rest")
PATIENCE_S = 30.0


@pytest.fixture
async def three(room):
    """Ada in a shop, a mall and a plaza, where she did one thing each."""
    did = {SHOP: Kind.BOUGHT, MALL: Kind.TRIED, PLAZA: Kind.ASKED}
    events = []
    for audience, kind in did.items():
        await room.grant("ada", COLLECT, PERSONALISE, OFFER, audience=audience)
        events.append(room.door.event(kind=kind, source=audience, item=audience.partition(":")[2]))
    await room.fold(room.door.message(*events))
    return room


async def seen(room, audience=SHOP):
    view = (await read.read_view(room.stores, subject("ada", audience), [PERSONALISE])).view
    return None if view is None else set(dict(view.kinds))


async def offered(room, audience=SHOP):
    return {signal.item for signal in (await read.read_signals(room.stores, subject("ada", audience))).signals}


async def issue(profile, audience=SHOP, name="ada"):
    request = contract.IssueLinkCodeRequest(subject=subject_message(name, audience))
    return (await profile.IssueLinkCode(request)).code


async def redeem(profile, code, audience=MALL, name="ada", statement=STATED):
    request = contract.RedeemLinkCodeRequest(subject=subject_message(name, audience), code=code, statement=statement)
    return await profile.RedeemLinkCode(request, timeout=PATIENCE_S)


async def refusal(awaitable):
    with pytest.raises(RemoteError) as refused:
        await awaitable
    return refused.value.reason


async def unlink(profile, audience=SHOP, other=""):
    request = contract.UnlinkRequest(subject=subject_message("ada", audience), audience=other, statement=STATED)
    return list((await profile.Unlink(request, timeout=PATIENCE_S)).audiences)


async def linked(profile, audience=SHOP):
    request = contract.ListLinksRequest(subject=subject_message("ada", audience))
    return list((await profile.ListLinks(request)).audiences)


async def circle(profile, audience=SHOP):
    """The pids and keys that decisions about her are kept under; told without any consent."""
    answer = await profile.ReadCircle(contract.ReadCircleRequest(subject=subject_message("ada", audience)))
    return [(each.persona.pid, each.decision_key) for each in answer.circle]


class TestCircle:
    async def test_limits_hold_for_all_that_is_linked_and_for_no_one_else(self, three, profile):
        alone = {audience: await circle(profile, audience) for audience in (SHOP, MALL, PLAZA)}
        assert {len(each) for each in alone.values()} == {1}
        await redeem(profile, await issue(profile))
        both = await circle(profile)
        assert both == [*alone[SHOP], *alone[MALL]]
        assert await circle(profile, MALL) == both[::-1]
        signals = await read.read_signals(three.stores, subject("ada"))
        assert [(each.persona.pid, each.decision_key) for each in signals.circle] == both
        await unlink(profile)
        assert await circle(profile) == alone[SHOP]

    async def test_keys_are_of_each_persona_and_nothing_else(self, three, profile):
        keys = {key for audience in (SHOP, MALL, PLAZA) for _, key in await circle(profile, audience)}
        assert {len(key) for key in keys} == {32}
        assert len(keys) == 3

    async def test_a_denied_ranking_tells_of_no_circle(self, three, profile):
        request = contract.WithdrawRequest(subject=subject_message("ada"), purposes=[OFFER], statement=STATED)
        await profile.Withdraw(request, timeout=PATIENCE_S)
        assert (await read.read_signals(three.stores, subject("ada"))).circle == ()
        assert len(await circle(profile)) == 1


class TestRedeem:
    async def test_links_both_and_records_a_consent_in_each_direction(self, three, profile):
        answer = await redeem(profile, await issue(profile))
        assert (answer.issued_by, answer.redeemed_by) == (SHOP, MALL)
        assert [(record.purpose, record.state) for record in answer.records] == [
            (f"link.cross_world@{SHOP}", "given"),
            (f"link.cross_world@{MALL}", "given"),
        ]
        for audience in (SHOP, MALL):
            assert await seen(three, audience) == {"bought", "tried"}
            assert await offered(three, audience) == {"shop", "mall"}
        assert await seen(three, PLAZA) == {"asked"}
        assert await linked(profile) == [MALL]

    async def test_a_code_is_good_once(self, three, profile):
        code = await issue(profile)
        await redeem(profile, code)
        assert await refusal(redeem(profile, code, PLAZA)) == "CODE_UNKNOWN"

    async def test_of_several_at_once_one_is_linked(self, three, profile):
        code = await issue(profile)
        tried = [redeem(profile, code, audience) for audience in (MALL, PLAZA) * 3]
        outcomes = await asyncio.gather(*tried, return_exceptions=True)
        assert sum(not isinstance(each, Exception) for each in outcomes) == 1
        assert {each.reason for each in outcomes if isinstance(each, Exception)} == {"CODE_UNKNOWN"}
        assert len(await linked(profile)) == 1

    async def test_a_code_is_good_for_two_minutes(self, three, profile):
        code = await issue(profile)
        three.clock.ms += link.LIFE_MS
        assert await refusal(redeem(profile, code)) == "CODE_UNKNOWN"

    async def test_an_own_code_stays_good_for_another_audience(self, three, profile):
        code = await issue(profile)
        assert await refusal(redeem(profile, code, SHOP)) == "LINK_SAME_AUDIENCE"
        await redeem(profile, code)

    async def test_it_may_be_typed_carelessly(self, three, profile):
        code = await issue(profile)
        await redeem(profile, f" {code[:4]}-{code[4:8]} {code[8:]}".lower().replace("0", "o").replace("1", "l"))

    @pytest.mark.parametrize("typed", ["", "0" * 12, "x" * 200, "ABC", "💥" * 12])
    async def test_what_is_no_code_is_told_like_a_wrong_one(self, three, profile, typed):
        assert await refusal(redeem(profile, typed)) == "CODE_UNKNOWN"

    async def test_guesses_are_counted(self, three, profile):
        code = await issue(profile)
        for _ in range(link.MOST_TRIES):
            assert await refusal(redeem(profile, "0" * 12)) == "CODE_UNKNOWN"
        assert await refusal(redeem(profile, code)) == "EXHAUSTED"

    async def test_nobody_known_has_nothing_to_link(self, three, profile):
        assert await refusal(issue(profile, name="eve")) == "NOTHING_TO_LINK"
        code = await issue(profile)
        assert await refusal(redeem(profile, code, name="eve")) == "NOTHING_TO_LINK"
        await redeem(profile, code)

    async def test_a_signal_of_the_browser_refuses_unless_the_brand_was_named(self, three, profile):
        signal = Statement(method="rest", has_gpc=True)
        assert await refusal(redeem(profile, await issue(profile), statement=signal)) == "LINK_REFUSED"
        assert await linked(profile) == []
        named = Statement(method="rest", has_gpc=True, named_brand=BRAND)
        answer = await redeem(profile, await issue(profile), statement=named)
        assert {record.conflicts_with for record in answer.records} == {"gpc"}
        assert await seen(three) == {"bought", "tried"}

    async def test_codes_are_kept_by_their_hash(self, three, profile):
        code = await issue(profile)
        (row,) = await three.vault_rows("SELECT mark FROM link_codes")
        assert row["mark"] == codes.mark_of(three.stores.keyring, BRAND, code)


class TestChain:
    async def test_a_chain_carries_nothing_on(self, three, profile):
        await redeem(profile, await issue(profile, SHOP), MALL)
        await redeem(profile, await issue(profile, MALL), PLAZA)
        assert await seen(three, SHOP) == {"bought", "tried"}
        assert await seen(three, MALL) == {"bought", "tried", "asked"}
        assert await seen(three, PLAZA) == {"tried", "asked"}
        assert await unlink(profile, MALL, SHOP) == [SHOP]
        assert await seen(three, SHOP) == {"bought"}
        assert await seen(three, MALL) == {"tried", "asked"}


class TestUnlink:
    @pytest.mark.parametrize("side", [SHOP, MALL])
    async def test_the_next_read_is_separate_again_and_nothing_is_left(self, three, profile, side):
        before = [(await read.read_view(three.stores, subject("ada", each), [PERSONALISE])) for each in (SHOP, MALL)]
        facets = [encode(await three.traits_of(await bound_at(three, each))) for each in (SHOP, MALL)]
        await redeem(profile, await issue(profile))
        await unlink(profile, side)
        after = [(await read.read_view(three.stores, subject("ada", each), [PERSONALISE])) for each in (SHOP, MALL)]
        assert [(each.handle, each.view) for each in after] == [(each.handle, each.view) for each in before]
        assert [encode(await three.traits_of(await bound_at(three, each))) for each in (SHOP, MALL)] == facets
        assert (await offered(three, SHOP), await offered(three, MALL)) == ({"shop"}, {"mall"})
        assert await three.vault_rows("SELECT 1 FROM links") == []
        assert await linked(profile) == []

    async def test_what_is_familiar_is_separate_too(self, three, profile):
        familiar: FamiliarPersonas = Familiar(100, lambda: 1)

        async def kinds():
            purposes = [PERSONALISE, OFFER]
            persona = await read.read_persona(three.stores, familiar, subject("ada"), purposes, Parts())
            return set(dict(persona.seen.view.kinds))

        await redeem(profile, await issue(profile))
        assert await kinds() == {"bought", "tried"}
        await unlink(profile)
        assert await kinds() == {"bought"}

    async def test_withdrawing_the_purpose_does_the_same(self, three, profile):
        for purposes in ([f"link.cross_world@{MALL}"], ["link.cross_world"], []):
            await redeem(profile, await issue(profile))
            request = contract.WithdrawRequest(
                subject=subject_message("ada"), purposes=purposes, statement=Statement(method="rest")
            )
            await profile.Withdraw(request, timeout=PATIENCE_S)
            assert await three.vault_rows("SELECT 1 FROM links") == []
            assert await seen(three, MALL) == {"tried"}
            # Later than what was withdrawn, however slow this is.
            three.clock.ms += 3_600_000
            await three.grant("ada", COLLECT, PERSONALISE)
            assert await seen(three, SHOP) == {"bought"}

    async def test_twice_changes_nothing(self, three, profile):
        await redeem(profile, await issue(profile))
        assert await unlink(profile, SHOP, MALL) == [MALL]
        assert await unlink(profile, SHOP, MALL) == []

    async def test_a_new_face_is_linked_with_nobody(self, three, profile):
        code = await issue(profile)
        await redeem(profile, await issue(profile))
        await profile.TakeNewFace(
            contract.TakeNewFaceRequest(subject=subject_message("ada"), statement=STATED), timeout=PATIENCE_S
        )
        assert await seen(three, MALL) == {"tried"}
        assert await three.vault_rows("SELECT 1 FROM links UNION ALL SELECT 1 FROM link_codes") == []
        assert await refusal(redeem(profile, code, PLAZA)) == "CODE_UNKNOWN"

    async def test_erasing_takes_all_that_is_linked(self, three, profile):
        await redeem(profile, await issue(profile))
        await profile.Erase(contract.EraseRequest(subject=subject_message("ada"), statement=STATED), timeout=PATIENCE_S)
        assert (await seen(three, SHOP), await seen(three, MALL)) == (None, None)
        assert await seen(three, PLAZA) == {"asked"}


async def bound_at(room, audience):
    return await consents.find(room.stores, subject("ada", audience))
