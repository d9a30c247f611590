import pytest

from contracts.avatar.v1 import avatar_pb2 as pb
from infra.local.databases import MIGRATIONS
from kit.errors import TypedError
from kit.migrate import check, downgrade, upgrade


class TestPutItems:
    async def test_items_are_added_and_replaced(self, street):
        items = [pb.Item(item=f"i{number}", title=f"Thing {number}") for number in range(3)]
        assert (await street.stub.PutItems(pb.PutItemsRequest(brand="oak", items=items))).items == 3
        changed = pb.Item(item="i1", title="Other", topics=["a", "b"], price="1 €", place="here")
        assert (await street.stub.PutItems(pb.PutItemsRequest(brand="oak", items=[items[1], changed]))).items == 3
        listed = await street.stub.ListItems(pb.ListItemsRequest(brand="oak", ids=["i2", "i1", "nothing"]))
        assert list(listed.items) == [items[2], changed]

    async def test_brands_do_not_see_each_other(self, street):
        await street.stub.PutItems(pb.PutItemsRequest(brand="elm", items=[pb.Item(item="i1", title="Thing")]))
        assert list((await street.stub.ListItems(pb.ListItemsRequest(brand="oak", ids=["i1"]))).items) == []

    @pytest.mark.parametrize(
        ("item", "field"),
        [
            (pb.Item(item="a b", title="x"), "items.item"),
            (pb.Item(item="a"), "items.title"),
            (pb.Item(item="a", title="x" * 201), "items.title"),
            (pb.Item(item="a", title="x", topics=list("abcdef")), "items.topics"),
            (pb.Item(item="a", title="x", price="x" * 33), "items.price"),
        ],
    )
    async def test_malformed_items_are_refused_whole(self, street, item, field):
        good = pb.Item(item="good", title="Good")
        with pytest.raises(TypedError) as refused:
            await street.stub.PutItems(pb.PutItemsRequest(brand="oak", items=[good, item]))
        assert refused.value.field == field
        assert list((await street.stub.ListItems(pb.ListItemsRequest(brand="oak", ids=["good"]))).items) == []


class TestMigrations:
    def test_the_tables_in_code_are_those_of_the_migrations(self, database_url):
        check(database_url("avatar"), MIGRATIONS["avatar"])

    def test_there_is_a_way_back(self, empty_database_url):
        upgrade(empty_database_url, MIGRATIONS["avatar"])
        downgrade(empty_database_url, MIGRATIONS["avatar"], "base")
        upgrade(empty_database_url, MIGRATIONS["avatar"])
