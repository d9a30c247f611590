import os
import re

import pytest

from contracts.interaction.v1.payload import Interaction
from kit.keyring import KeyMissingError
from kit.sealing import UnsealableError
from services.profile import handles, sealed
from services.profile.domain import Bound, Kind, Persona
from services.profile.traits import Traits

PERSONA = Persona("oak", 7, b"p" * 16)


@pytest.fixture
def bound(keyring):
    (key,) = sealed.create_keys(keyring, [7])
    return Bound(PERSONA, 1, sealed.FIRST_KEY, key.wrapped, key.wrapped_by)


class TestFacets:
    def test_open_under_their_own_key_and_persona_only(self, keyring, bound):
        key = sealed.data_key(keyring, bound)
        body = sealed.seal_facet(key, PERSONA, Traits())
        assert sealed.open_facet(key, PERSONA, body) == Traits()
        for stranger in (Persona("oak", 7, b"q" * 16), Persona("elm", 7, b"p" * 16), Persona("oak", 8, b"p" * 16)):
            with pytest.raises(UnsealableError):
                sealed.open_facet(key, stranger, body)
        with pytest.raises(UnsealableError):
            sealed.open_facet(os.urandom(32), PERSONA, body)

    def test_nothing_opens_once_the_shard_key_is_gone(self, keyring, bound):
        keyring.destroy("shard-07", bound.wrapped_by)
        with pytest.raises(KeyMissingError):
            sealed.data_key(keyring, bound)


class TestBlocks:
    def test_hold_no_edge_pseudonym(self, keyring, bound):
        key = sealed.data_key(keyring, bound)
        said = Interaction("app:shop", b"e" * 16, b"m" * 16, Kind.IDENTIFIED, 1, "web", other=b"o" * 16)
        body = sealed.seal_block(key, PERSONA, b"b" * 16, [said])
        opened = sealed.open_block(key, PERSONA, b"b" * 16, body)
        assert b"m" * 16 in opened
        assert b"e" * 16 not in opened
        assert b"o" * 16 not in opened

    def test_open_in_their_own_place_only(self, keyring, bound):
        key = sealed.data_key(keyring, bound)
        body = sealed.seal_block(key, PERSONA, b"b" * 16, [])
        with pytest.raises(UnsealableError):
            sealed.open_block(key, PERSONA, b"c" * 16, body)


class TestReadyKeys:
    def test_open_what_was_sealed_before_they_were_ready(self, keyring, bound):
        body = sealed.seal_block(sealed.data_key(keyring, bound), PERSONA, b"b" * 16, [])
        keys = sealed.DataKeys(keyring, sealed.ReadyKeys())
        for _ in range(2):
            assert sealed.open_block(keys.of(bound), PERSONA, b"b" * 16, body)

    def test_are_made_once_for_all_folds(self, keyring, bound):
        kept = sealed.ReadyKeys()
        assert sealed.DataKeys(keyring, kept).of(bound) is sealed.DataKeys(keyring, kept).of(bound)

    def test_of_a_key_wrapped_anew_is_made_anew(self, keyring, bound):
        kept = sealed.ReadyKeys()
        before = sealed.DataKeys(keyring, kept).of(bound)
        version = sealed.renew_shard_key(keyring, 7)
        (wrapped,) = sealed.rewrap(keyring, 7, version, [(bound.wrapped, bound.wrapped_by)])
        assert kept.get(bound._replace(wrapped=wrapped, wrapped_by=version)) is None
        assert sealed.DataKeys(keyring, kept).of(bound._replace(wrapped=wrapped, wrapped_by=version)) is not before

    def test_go_when_nobody_asks_for_two_terms(self, keyring, bound):
        kept = sealed.ReadyKeys(term_ms=10)
        kept.age(0)
        used, idle = bound, bound._replace(persona=Persona("oak", 7, b"q" * 16))
        for each in (used, idle):
            sealed.DataKeys(keyring, kept).of(each)
        for at_ms in (10, 20):
            kept.age(at_ms)
            assert kept.get(used)
        assert kept.get(idle) is None

    def test_are_no_more_than_so_many_in_a_term(self, keyring, bound):
        kept = sealed.ReadyKeys(most=0)
        for at_ms in range(3):
            sealed.DataKeys(keyring, kept).of(bound._replace(persona=Persona("oak", 7, bytes([at_ms]) * 16)))
            kept.age(at_ms)
        assert kept.get(bound._replace(persona=Persona("oak", 7, bytes(16)))) is None

    @pytest.mark.parametrize("gone", [lambda kept: kept.erase([PERSONA.pid]), lambda kept: kept.clear()])
    def test_of_the_erased_are_forgotten(self, keyring, bound, gone):
        kept = sealed.ReadyKeys()
        sealed.DataKeys(keyring, kept).of(bound)
        kept.age(1)
        gone(kept)
        assert kept.get(bound) is None


class TestKeys:
    def test_memory_is_sealed_apart_from_the_facet(self, keyring, bound):
        key = sealed.data_key(keyring, bound)
        assert len(sealed.memory_key(key)) == 32
        assert sealed.memory_key(key) != key


class TestHandles:
    def test_differ_between_audiences_personas_and_faces(self, keyring):
        keyring.ensure(handles.FAMILY)
        rendered = [
            handles.render(keyring, audience, pid, generation)
            for audience in ("app:shop", "world:oak-street")
            for pid in (b"p" * 16, b"q" * 16)
            for generation in (1, 2)
        ]
        assert len(set(rendered)) == 8
        assert all(re.fullmatch(r"1\.[0-9a-f]{32}", handle) for handle in rendered)

    def test_are_stable(self, keyring):
        keyring.ensure(handles.FAMILY)
        once, again = (handles.render(keyring, "app:shop", b"p" * 16, 1) for _ in range(2))
        assert once == again
