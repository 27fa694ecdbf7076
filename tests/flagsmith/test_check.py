"""The check of a connection to Flagsmith, and the errors of its API."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.errors import ProviderRejected, ProviderThrottled, ProviderUnauthorized, ProviderUnavailable
from activities.providers.flag_system import Finding
from activities.providers.flagsmith.admin_api import FlagsmithAdminApi
from activities.providers.flagsmith.system import FlagsmithProject
from domain.errors import KeptByOthers
from domain.flags.patch import FlagPatch
from tests.flagsmith.conversation import KEY, Answered, Asked, speaking
from tests.flagsmith.project import BOTH, ShopInFlagsmith
from tests.ports import free_port
from tests.receiver import Receiver, answering, receiving
from tests.waiting import CEILING


def connected(address: str, key: str = KEY) -> FlagsmithAdminApi:
    return FlagsmithAdminApi(address, SecretStr(key), attempt_seconds=CEILING, resolver=Resolver(allow_private=True))


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def findings(address: str, project: str, *environments: str, key: str = KEY) -> list[Finding]:
    with closing(FlagsmithProject(connected(address, key), project)) as system:
        return list(system.check(environments))


def test_check_names_what_works(shop: ShopInFlagsmith) -> None:
    found = findings(shop.address, "test_check_names_what_works", *BOTH)

    assert [each.message for each in found if each.passed] == [
        "Flagsmith answers at this address.",
        "Flagsmith knows the key.",
        "The key can see the project 'test_check_names_what_works'.",
        "The key can see the environment 'Development'.",
        "The key can see the environment 'Production'.",
    ]
    assert len(found) == 5


def test_check_names_unknown_keys_projects_and_environments(shop: ShopInFlagsmith) -> None:
    [refused] = findings(shop.address, str(shop.id), key="unknown")
    assert refused.message.startswith("The key is refused: Valid Master API Key not found.")
    assert refused.part == "credential"

    [*_, missing] = findings(shop.address, "no such project")
    assert not missing.passed
    assert missing.message.startswith("There is no project 'no such project' in Flagsmith that the key can see.")
    assert missing.part == "project"

    [*_, moon] = findings(shop.address, str(shop.id), "Moon")
    assert moon == Finding(False, "There is no environment 'Moon' in the project. It has: Development, Production.", "environments", "Moon")


def test_project_whose_name_is_not_unique_needs_its_id(shop: ShopInFlagsmith) -> None:
    with closing(FlagsmithProject(connected(shop.address), "no such project")) as system, pytest.raises(ProviderUnauthorized):
        system.environments()


def test_environment_that_needs_change_requests_is_found_and_refused() -> None:
    """The open-source server has no change requests, so these are the documents of one that has them."""
    listed = [
        {"id": 1, "name": "Open", "project": 7, "api_key": "open", "minimum_change_request_approvals": None},
        {"id": 2, "name": "Guarded", "project": 7, "api_key": "guarded", "minimum_change_request_approvals": 0},
    ]
    message = "Changes in 'Guarded' need a change request in Flagsmith, which a stage can't replace. Switch them off there."

    def answer(asked: Asked) -> Answered:
        return Answered(200, [{"id": 7, "name": "Shop"}] if asked.path == "/api/v1/projects/" else {"results": listed, "next": None})

    with speaking(answer) as address, closing(FlagsmithProject(connected(address), "Shop")) as system:
        missing = [each for each in system.check(["Open", "Guarded"]) if not each.passed]
        with pytest.raises(KeptByOthers) as refusal:
            system.apply("checkout", "Guarded", FlagPatch(enabled=True), {})

    assert missing == [Finding(False, message, "environments", "Guarded")]
    assert str(refusal.value) == message


def test_address_without_a_server_is_named() -> None:
    [missing] = findings(f"http://127.0.0.1:{free_port()}", "1")

    assert missing.message.startswith("Flagsmith does not answer there: The connection failed.")


def test_too_many_requests_name_the_wait(server: Receiver) -> None:
    server.answer = answering(429, **{"Retry-After": "17"})

    with closing(connected(server.url(""))) as api, pytest.raises(ProviderThrottled) as throttled:
        api.projects()

    assert throttled.value.retry_after == timedelta(seconds=17)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_errors_of_the_server_may_pass(server: Receiver, status: int) -> None:
    server.answer = answering(status)

    with closing(connected(server.url(""))) as api, pytest.raises(ProviderUnavailable, match=f"Flagsmith answered with status {status}."):
        api.projects()


@pytest.mark.parametrize(
    ("status", "expected"), [(301, ProviderRejected), (400, ProviderRejected), (401, ProviderUnauthorized), (403, ProviderUnauthorized)]
)
def test_other_errors_need_a_person(server: Receiver, status: int, expected: type[Exception]) -> None:
    server.answer = answering(status)

    with closing(connected(server.url(""))) as api, pytest.raises(expected, match=f"Flagsmith answered with status {status}"):
        api.projects()


def test_answer_that_is_not_flagsmiths_is_named(server: Receiver) -> None:
    server.answer = answering(200)

    with closing(connected(server.url(""))) as api, pytest.raises(ProviderUnavailable, match="Check the address of Flagsmith's API"):
        api.projects()


def test_key_with_a_line_break_is_refused() -> None:
    with pytest.raises(ProviderUnauthorized, match="The key has a character"):
        connected("http://127.0.0.1", "a\nb")
