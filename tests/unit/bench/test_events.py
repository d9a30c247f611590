import json

from bench.events import MARK, Crowd, batches, singles
from bench.load import Order, Request

AT = "2026-01-01T00:00:00.000Z"


def order(**changes):
    return Order("127.0.0.1", 80, "/v1/batch", {"authorization": "Bearer x"}, "bodies", 1, 1.0, **changes)


class TestEvents:
    def test_an_event_is_about_one_kilobyte(self):
        sizes = [len(body) for body in singles(Crowd(100, seed=1), "run", AT, count=200)]
        assert 950 < sum(sizes) / len(sizes) < 1150

    def test_few_users_send_most(self):
        drawn = Crowd(1000, seed=1).draw(20_000)
        most = sorted((drawn.count(each) for each in set(drawn)), reverse=True)
        assert sum(most[:100]) > 0.6 * len(drawn)


class TestRequest:
    def test_every_event_of_every_send_has_a_message_id_of_its_own(self):
        body = next(batches(Crowd(10, seed=1), "run", AT, size=15, count=1))
        request, counter, seen = Request(order(units=15), body), 0, set()
        for _ in range(3):
            content, counter = request.numbered(counter)
            head, _, sent = content.partition(b"\r\n\r\n")
            seen.update(event["messageId"] for event in json.loads(sent)["batch"])
            assert f"content-length: {len(sent)}".encode() in head
            assert MARK.encode() not in sent
        assert len(seen) == 45
