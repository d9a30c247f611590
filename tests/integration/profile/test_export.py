import json
from dataclasses import replace

import pytest

from contracts.profile.v1 import profile_pb2 as contract
from kit.errors import RemoteError
from services.profile.person import DecidedPage
from services.profile.use_cases.export import export
from services.profile.use_cases.see import see
from tests.integration.profile.door import subject, subject_message
from tests.integration.profile.rights import PATIENT_S


class Deciders:
    """Has decided so often about whoever it is asked of; two to a page."""

    def __init__(self, count):
        moment = {"at_ms": 1, "channel": "web", "initiative": "brand", "acts": ["offer"]}
        made = {"act": "offer", "silence": "", "outcome": "none", "moment": moment, "lot": 0.5}
        self.documents = [json.dumps({**made, "item": f"cup-{number}"}).encode() for number in range(count)]

    async def decided(self, keyed, after=b""):
        assert all(len(key) == 32 for _, key in keyed)
        start = int(after or b"0")
        is_last = start + 2 >= len(self.documents)
        place = b"" if is_last else str(start + 2).encode()
        return DecidedPage(tuple(self.documents[start : start + 2]), place, b'[{"presence":{"hour 4":2.0}}]')


class TestExport:
    async def test_holds_everything_page_by_page(self, rights, monkeypatch):
        monkeypatch.setattr("services.profile.use_cases.export._PAGE_BYTES", 200)
        await rights.grant()
        for number in range(5):
            await rights.did(*(rights.event(item=f"tea-{number}-{each}") for each in range(4)))
        await rights.remove(ref="gin")
        files, pages = await rights.archive()
        lines = [json.loads(line) for line in files["interactions.ndjson"].splitlines()]
        assert [line["item"] for line in lines] == [f"tea-{number}-{each}" for number in range(5) for each in range(4)]
        assert pages > 3
        assert [each["ref"] for each in json.loads(files["offers.json"])["removed"]] == ["gin"]
        assert {each["@type"] for each in json.loads(files["consents.jsonld"])} == {"dpv:ConsentRecord"}
        assert files["consents.jws"].count(b".") == 2
        assert set(files) >= {"person.json", "traits.json", "inferences.json", "links.json", "recipients.json"}

    async def test_what_was_decided_goes_over_pages_and_is_one_array(self, rights, room):
        await rights.grant()
        await rights.did(rights.event(item="tea-1"))
        deciding = replace(room.stores, rankings=Deciders(5))
        files, after = {}, b""
        while not files or after:
            page = await export(deciding, subject("ada"), after)
            for name, content in page.parts:
                files[name] = files.get(name, b"") + content
            after = page.next
        assert [each["item"] for each in json.loads(files["decisions.json"])] == [
            f"cup-{number}" for number in range(5)
        ]
        assert json.loads(files["habits.json"]) == [{"presence": {"hour 4": 2.0}}]
        assert list(files)[-3:] == ["decisions.json", "interactions.ndjson", "offers.ndjson"]
        assert b"tea-1" in files["interactions.ndjson"]
        shown = (await see(deciding, subject("ada"))).decided
        assert [(each.item, each.outcome, each.moment.channel) for each in shown[:1]] == [("cup-0", "none", "web")]

    async def test_where_nobody_decides_nothing_was_decided(self, rights):
        await rights.grant()
        files, _ = await rights.archive()
        assert (json.loads(files["decisions.json"]), json.loads(files["habits.json"])) == ([], [])

    async def test_of_somebody_unknown_it_is_empty(self, rights):
        files, pages = await rights.archive("nobody")
        assert (files["interactions.ndjson"], pages) == (b"", 1)

    async def test_who_is_erased_meanwhile_breaks_it_off(self, rights, room):
        await rights.grant()
        await rights.did(rights.event())
        page = await rights.profile.Export(contract.ExportRequest(subject=subject_message("ada")))
        erasing = contract.EraseRequest(subject=subject_message("ada"), statement=rights.said())
        await rights.profile.Erase(erasing, timeout=PATIENT_S)
        for after in (page.next, b"nonsense"):
            with pytest.raises(RemoteError) as broken:
                await rights.profile.Export(contract.ExportRequest(subject=subject_message("ada"), after=after))
            assert broken.value.reason == "EXPORT_BROKEN"
