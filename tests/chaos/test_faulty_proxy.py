"""The proxy in front of a flag system passes everything on, except while it is faulty."""

from collections import Counter

import httpx

from tests.chaos.faulty_proxy import FAILED, THROTTLED, running_proxy
from tests.unleash.stand_in import TOKEN, stand_in_address


def test_proxy_answers_errors_only_while_it_is_faulty() -> None:
    with running_proxy(stand_in_address(), seed=1) as proxy:

        def ask() -> httpx.Response:
            return httpx.get(f"{proxy.address}/api/admin/segments", headers={"authorization": TOKEN}, timeout=60)

        before = [ask() for _ in range(5)]
        with proxy.faulty():
            during = [ask() for _ in range(60)]
        after = [ask() for _ in range(5)]

    assert [each.json() for each in before + after] == [{"segments": []}] * 10
    statuses = Counter(each.status_code for each in during)
    assert statuses.keys() == {200, THROTTLED, FAILED}
    assert {each.headers.get("retry-after") for each in during if each.status_code == THROTTLED} == {"1"}
    assert proxy.answered == {status: number for status, number in statuses.items() if status != 200}
