"""The waiting room before a model server: order, fairness, window, breaker, several servers; over real HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.llm.endpoint import Endpoint, Load, Rejected, Target
from app.llm.lane import Lane
from app.llm.pool import Pool, Pools
from app.llm.protocol import Refused
from app.llm.turn import Turn
from app.llm.window import Window
from app.settings import Settings
from tests.fakes.process import FakeModel


@pytest.fixture
def model() -> Iterator[FakeModel]:
    with FakeModel(latency_ms=20, slots=8) as found:
        yield found


def body(text: str) -> bytes:
    return orjson.dumps({"model": "fake", "messages": [{"role": "user", "content": text}], "max_tokens": 16})


def run(test: Callable[[Pools], Awaitable[Any]], **settings: Any) -> Any:
    async def inside() -> Any:
        pools = Pools(Settings(generator_url="http://127.0.0.1:9/v1", model_probe_seconds=0.2, **settings))
        try:
            return await test(pools)
        finally:
            await pools.close()

    return asyncio.run(inside())


async def keep_nothing(_: bytes) -> None:
    """For a reply that no test looks for in a ledger."""


def at(place: int) -> Turn:
    """Of a dataset that has far to go."""
    return Turn(place, left=1_000_000, ahead=0)


def lane_of(pools: Pools, *models: FakeModel) -> Pool:
    return pools.pool([Target(model.url, "fake") for model in models])


def test_calls_of_one_dataset_go_in_their_order_whatever_order_they_came_in(model: FakeModel) -> None:
    async def test(pools: Pools) -> list[int]:
        lane = lane_of(pools, model).lanes[0]
        lane.window.size, lane.window.maximum = 1, 1
        done: list[int] = []

        async def one(place: int) -> None:
            await lane.submit("t", "a", at(place), body(f"call {place}"), 10, keep_nothing)
            done.append(place)

        first = asyncio.create_task(one(0))
        await asyncio.sleep(0)
        await asyncio.gather(first, *(one(place) for place in (5, 2, 4, 1, 3)))
        return done

    assert run(test) == [0, 1, 2, 3, 4, 5]


def test_a_reply_keeps_its_place_in_the_window_until_it_is_durable(model: FakeModel) -> None:
    """Or a slow database would let more be paid for than is in flight, and a crash would cost all of it."""

    async def test(pools: Pools) -> None:
        lane = lane_of(pools, model).lanes[0]
        lane.window.size, lane.window.maximum = 3, 3
        saved, durable = 0, asyncio.Event()

        async def save(_: bytes) -> None:
            nonlocal saved
            saved += 1
            await durable.wait()

        calls = [lane.submit("t", "a", at(i), body(f"call {i}"), 10, save=save) for i in range(9)]
        while saved < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert (lane.inflight, lane.asking, lane.waiting) == (3, 0, 6)
        assert model.bill().total == 3
        durable.set()
        await asyncio.gather(*calls)
        assert saved == model.bill().total == 9

    run(test)


def test_a_reply_that_cannot_be_made_durable_is_an_error_and_gives_its_place_back(model: FakeModel) -> None:
    async def test(pools: Pools) -> None:
        lane = lane_of(pools, model).lanes[0]

        async def save(_: bytes) -> None:
            raise OSError("the disk is full")

        with pytest.raises(OSError, match="full"):
            await lane.submit("t", "a", at(0), body("x"), 10, save=save)
        await asyncio.sleep(0)
        assert (lane.inflight, lane.saving) == (0, 0)

    run(test)


def test_what_waits_is_ordered_anew_when_the_server_turns_out_to_have_more_slots(model: FakeModel) -> None:
    """Or a call of the dataset's last part that came early would go after all that came late."""

    async def test(pools: Pools) -> list[int]:
        lane = lane_of(pools, model).lanes[0]
        lane.window.size, lane.window.maximum = 1, 1
        done: list[int] = []

        async def one(place: int) -> None:
            await lane.submit(
                "t", "a", Turn(place, left=100 - place, ahead=place), body(f"call {place}"), 10, keep_nothing
            )
            done.append(place)

        first = asyncio.create_task(one(0))
        await asyncio.sleep(0)
        early = [asyncio.create_task(one(place)) for place in (50, 70)]
        await asyncio.sleep(0)
        lane.window.seen(
            Load(200, 1), inflight=1
        )  # so that the last 80 contexts are let in together, those with most ahead first
        await asyncio.gather(first, *early, one(60), one(10))
        return done

    assert run(test) == [0, 10, 70, 60, 50]


def test_a_small_dataset_does_not_wait_for_the_end_of_a_large_one(model: FakeModel) -> None:
    async def test(pools: Pools) -> int:
        lane = lane_of(pools, model).lanes[0]
        lane.window.size, lane.window.maximum = 4, 4
        large = [lane.submit("t", "large", at(i), body(f"large {i}"), 100, keep_nothing) for i in range(60)]
        await asyncio.sleep(0.1)
        small = [lane.submit("t", "small", at(i), body(f"small {i}"), 100, keep_nothing) for i in range(6)]
        await asyncio.gather(*small)
        left = sum(not future.done() for future in large)
        await asyncio.gather(*large)
        return left

    assert run(test) > 30, "the small one had every second turn"


def test_a_tenant_with_many_datasets_has_no_more_turns_than_one_with_a_single_one(model: FakeModel) -> None:
    async def test(pools: Pools) -> tuple[int, int]:
        lane = lane_of(pools, model).lanes[0]
        lane.window.size, lane.window.maximum = 4, 4
        many = [
            lane.submit("greedy", f"dataset {i % 10}", at(i), body(f"many {i}"), 100, keep_nothing) for i in range(80)
        ]
        one = [lane.submit("modest", "only", at(i), body(f"one {i}"), 100, keep_nothing) for i in range(20)]
        await asyncio.gather(*one)
        done = sum(future.done() for future in many)
        await asyncio.gather(*many)
        return done, len(one)

    done, served = run(test)
    assert done < 2 * served, "each tenant had about every second turn"


def test_a_call_that_is_withdrawn_is_aborted_at_the_server() -> None:
    with FakeModel(latency_ms=30_000) as model:

        async def test(pools: Pools) -> None:
            lane = lane_of(pools, model).lanes[0]
            future = lane.submit("t", "a", at(0), body("slow"), 10, keep_nothing)
            await asyncio.sleep(0.3)
            assert lane.inflight == 1
            future.cancel()
            await asyncio.sleep(0.3)
            assert lane.inflight == 0

        run(test)
        assert model.stats()["aborted"] == 1


def test_an_error_that_retrying_cannot_mend_is_not_retried() -> None:
    with FakeModel(model="another") as model:

        async def test(pools: Pools) -> None:
            lane = lane_of(pools, model).lanes[0]
            with pytest.raises(Rejected) as caught:
                await lane.submit("t", "a", at(0), body("x"), 10, keep_nothing)
            assert caught.value.code == "model_not_found"

        run(test)


def test_a_call_that_always_fails_is_given_up_while_others_succeed() -> None:
    with FakeModel({"faults": [{"fault": "poison", "match": "bad"}]}) as model:

        async def test(pools: Pools) -> None:
            lane = lane_of(pools, model).lanes[0]
            bad = lane.submit("t", "a", at(0), body("bad"), 10, keep_nothing)
            good = [lane.submit("t", "a", at(i), body(f"good {i}"), 10, keep_nothing) for i in range(20)]
            await asyncio.gather(*good)
            with pytest.raises(Refused, match="upstream_error"):
                await asyncio.wait_for(bad, 30)

        run(test)


def test_a_server_that_dies_hands_its_calls_to_the_other_and_gets_new_ones_when_it_is_back() -> None:
    with FakeModel(latency_ms=50, slots=4) as one, FakeModel(latency_ms=50, slots=4) as other:

        async def test(pools: Pools) -> None:
            pool = lane_of(pools, one, other)
            calls = []
            for i in range(40):
                calls.append(pool.lane().submit("t", "a", at(i), body(f"call {i}"), 10, keep_nothing, pool.lanes))
            await asyncio.sleep(0.15)
            one.kill()
            await asyncio.wait_for(asyncio.gather(*calls), 30)
            assert pool.lanes[0].down
            assert pool.down is None, "the role can still be reached"
            await asyncio.to_thread(one.start)
            for _ in range(100):
                await asyncio.sleep(0.1)
                if not pool.lanes[0].down:
                    break
            assert not pool.lanes[0].down, "it is asked again while nothing waits for it"

        run(test)


def test_contexts_spread_and_each_keeps_its_server_until_another_runs_empty() -> None:
    async def test(pools: Pools) -> None:
        pool = pools.pool([Target(f"http://127.0.0.1:{port}/v1", "fake") for port in (1, 2)])
        one, other = pool.lanes
        one.inflight, other.inflight = 5, 3
        assert pool.lane() is other, "the first call goes where there is most room"
        assert pool.lane(one) is one
        one.waiting = one.limit
        other.inflight = other.limit
        assert pool.lane(one) is one, "nobody has room: the prefix is cached here"
        other.inflight = 0
        assert pool.lane(one) is other
        other.down = "gone"
        assert pool.lane(other) is one

    run(test)


def test_the_window_grows_while_nothing_waits_and_settles_a_little_above_what_runs() -> None:
    window = Window(32, 4096)
    for _ in range(12):
        window.seen(Load(min(256, window.size), max(0, window.size - 256)), inflight=window.size)
    assert 256 < window.size <= 256 * 1.2
    window.overloaded()
    assert window.size < 256


@pytest.mark.parametrize("clients", [2, 5])
def test_clients_of_one_server_settle_together_a_little_above_what_runs(clients: int) -> None:
    windows = [Window(32, 4096) for _ in range(clients)]
    for _ in range(20):
        for window in windows:
            total = sum(each.size for each in windows)
            window.seen(Load(min(256, total), max(0, total - 256)), inflight=window.size)
    assert 256 < sum(window.size for window in windows) <= 256 * 1.4
    assert all(window.size >= 32 for window in windows)
    assert all(abs(window.slots - 256) <= 32 for window in windows), "what runs is known to each"


def test_the_window_does_not_open_while_the_server_makes_no_step() -> None:
    window = Window(32, 4096)
    for _ in range(100):  # a CPU server within its first step
        window.seen(Load(1, 0, steps=7), inflight=window.size)
    assert window.size == 32
    window.seen(Load(32, 0, steps=8), inflight=32)
    assert window.size > 32


def test_the_load_of_a_server_is_that_of_all_its_engines() -> None:
    names = ("num_requests_running", "num_requests_waiting", "iteration_tokens_total_count")
    body = "".join(f'vllm:{name}{{engine="{e}"}} {10 * e + n}.0\n' for e in (0, 1) for n, name in enumerate(names))

    async def test() -> Load | None:
        async def metrics(_: web.Request) -> web.Response:
            return web.Response(text=body)

        site = web.Application()
        site.router.add_get("/metrics", metrics)
        async with TestServer(site) as server, aiohttp.ClientSession() as session:
            return await Endpoint(Target(f"{server.make_url('/v1')}", "m"), session).load()

    assert asyncio.run(test()) == Load(10, 12, steps=14)


def test_without_metrics_the_window_grows_with_successes_and_shrinks_on_overload() -> None:
    window = Window(4, 100)
    for _ in range(200):
        window.succeeded()
    grown = window.size
    assert grown > 20
    window.overloaded()
    assert window.size == int(grown * 0.75)


def test_a_lane_is_one_for_all_roles_that_name_its_server(model: FakeModel) -> None:
    async def test(pools: Pools) -> list[Lane]:
        return [*lane_of(pools, model).lanes, *lane_of(pools, model).lanes]

    one, two = run(test)
    assert one is two
