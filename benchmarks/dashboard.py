"""The dashboard: its board compared with the JSON that it shows, the first paint, the delay of a change, and the cost of open pages.

`python -m benchmarks.dashboard` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
Chromium must be on the PATH.
"""

import asyncio
import statistics
import time
from contextlib import closing
from typing import Any

import httpx
import psutil

from benchmarks.results import spread
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import Stack
from benchmarks.workloads import until_started
from tests.dashboard.browser import open_page, running_browser
from tests.dashboard.visitor import Visitor
from tests.http import OWNER_KEY, Api
from tests.pipelines import pipeline, set_value, stage
from tests.waiting import CEILING, wait_for

TURNS = 3
STAGES = 30
_PAINTS = "performance.getEntriesByName('first-contentful-paint').map(each => each.startTime)"
ENVIRONMENTS = ("development", "staging", "production")


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Fill a board, then measure it in three ways."""
    flags, requests, paints, pages = scale.pick((6, 3, 1, 5), (200, 60, 7, 500), (200, 200, 20, 500))
    api = Api(stack.address, OWNER_KEY)
    with closing(api), closing(Visitor(stack.address)) as visitor:
        await asyncio.to_thread(visitor.sign_in)
        await asyncio.to_thread(_fill, api, flags)
        await until_started(stack)
        turn("the board and its JSON")
        results = {"flags": flags, "stages": STAGES} | await asyncio.to_thread(_compare, api, visitor, requests)
        turn("a real browser")
        results |= await asyncio.to_thread(_look, api, paints)
        turn(f"{pages} open pages")
        return results | {"pages": pages} | await _open_pages(stack, api, visitor, pages)


def _fill(api: Api, flags: int) -> None:
    """Publish a pipeline whose stages wait for a week, and add flags at each of them."""
    stages = [stage(f"Stage {n}", ENVIRONMENTS[n % 3], "7d", actions=[set_value(f"value {n}")]) for n in range(STAGES)]
    api.publish(pipeline(*stages, key="long", name="Long"))
    for number in range(flags):
        key = f"board-{number}"
        api.post("/projects/shop/features", {"key": key, "name": f"Flag {number}", "default": {"enabled": False, "value": "classic"}})
        api.add(key, "long", starting_stage=f"Stage {number % STAGES}")


def _compare(api: Api, visitor: Visitor, requests: int) -> dict[str, Any]:
    """Request the HTML of the board, and the JSON of the same releases and pipeline, by turns."""
    html, shown = [], []
    for _ in range(requests):
        html.append(_seconds(lambda: visitor.look("/projects/shop")))
        shown.append(
            _seconds(lambda: [api.get("/projects/shop/releases?limit=200&status=running"), api.get("/projects/shop/pipelines/long")])
        )
    return {
        "board_ms": round(statistics.median(html) * 1000, 1),
        "json_ms": round(statistics.median(shown) * 1000, 1),
        "ratio": round(statistics.median(html) / statistics.median(shown), 2),
        "board_kb": round(len(visitor.look("/projects/shop").content) / 1024),
    }


def _seconds(ask: Any) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def _look(api: Api, paints: int) -> dict[str, Any]:
    """Load the board in Chromium, and change something while it is open."""
    painted, shown = [], []
    with running_browser() as browser:
        page = open_page(browser, api, OWNER_KEY)
        for number in range(paints):
            page.goto(f"{api.address}/projects/shop")
            # The page's policy forbids `eval`, with which Playwright would wait within the page.
            wait_for("the first paint", lambda: page.evaluate(_PAINTS))
            painted.append(page.evaluate(_PAINTS)[0])
            key = f"shown-{number}"
            api.post("/projects/shop/features", {"key": key, "name": key, "default": {"enabled": False, "value": "classic"}})
            api.add(key, "long")
            began = time.perf_counter()
            page.get_by_role("link", name=key).first.wait_for()
            shown.append((time.perf_counter() - began) * 1000)
    return {"first_paint_ms": spread(painted, 0), "change_shown_ms": spread(shown, 0)}


async def _open_pages(stack: Stack, api: Api, visitor: Visitor, pages: int) -> dict[str, Any]:
    """Compare the processor time of the API for a change without open pages, and with them."""
    none = await _cost_of_a_change(stack, api, "none")
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.client.cookies.items())
    limits = httpx.Limits(max_connections=pages, max_keepalive_connections=pages)
    async with httpx.AsyncClient(base_url=stack.address, headers={"Cookie": cookies}, limits=limits, timeout=CEILING) as client:
        told: list[asyncio.Event] = [asyncio.Event() for _ in range(pages)]
        streams = [asyncio.create_task(_follow(client, event)) for event in told]
        await asyncio.gather(*(event.wait() for event in told))
        many = await _cost_of_a_change(stack, api, "many")
        for each in streams:
            each.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
    look = await _cost_of(stack, lambda: visitor.look("/projects/shop"), times=20)
    return {
        "change_cpu_ms": {"no_page": none, "streams": many},
        "streams_ratio": round(many / none, 2),
        "look_cpu_ms": look,
    }


async def _follow(client: httpx.AsyncClient, told: asyncio.Event) -> None:
    async with client.stream("GET", "/projects/shop/live") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                told.set()


async def _cost_of_a_change(stack: Stack, api: Api, name: str, times: int = 20) -> float:
    """Return the processor milliseconds of the API per change, with a pause in which pages are told of it."""
    numbers = iter(range(times))

    def change() -> None:
        api.post("/projects/shop/features", {"key": f"cost-{name}-{next(numbers)}"})
        time.sleep(0.5)

    return await _cost_of(stack, change, times)


async def _cost_of(stack: Stack, act: Any, times: int) -> float:
    assert stack.api_process.running
    process = psutil.Process(stack.api_process.running.pid)
    before = sum(process.cpu_times()[:2])
    for _ in range(times):
        await asyncio.to_thread(act)
    return round((sum(process.cpu_times()[:2]) - before) * 1000 / times, 1)


if __name__ == "__main__":
    main({"dashboard": (measure, TURNS)}, __doc__)
