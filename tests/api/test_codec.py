"""The codec endpoint: whose payloads it decrypts for whom, and for which pages."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import WorkflowSerializationContext

from activities.providers.sealing import new_secret_key
from tests.conftest import serve_without_temporal
from tests.dashboard.visitor import Visitor
from tests.http import Api
from tests.pipelines import pipeline, stage
from workflows.encryption import PayloadEncryption
from workflows.service.codec_server import MOST_PAYLOADS

KEY = new_secret_key()
WEB_UI = "https://temporal.example"
VIEWER = {"project": "shop", "role": "viewer"}


@pytest.fixture
def codec(sqlite_url: str) -> Iterator[Api]:
    """The API with payload keys, and a published pipeline."""
    for api in serve_without_temporal(sqlite_url, payload_keys=KEY, temporal_ui_url=f"{WEB_UI}/web/"):
        api.make_project()
        api.publish(pipeline(stage("Development")))
        yield api


def wire(payload: Payload) -> dict[str, Any]:
    """Return a payload as Temporal's clients send it."""
    text = {name: base64.b64encode(value).decode() for name, value in payload.metadata.items()}
    return {"metadata": text, "data": base64.b64encode(payload.data).decode()}


PLAIN = wire(Payload(metadata={"encoding": b"json/plain"}, data=b'"quokka"'))


def encrypted(workflow: str, key: str = KEY) -> dict[str, Any]:
    """Return the payload of a workflow as Temporal stores it."""
    context = WorkflowSerializationContext(namespace="default", workflow_id=workflow)
    encryption = PayloadEncryption([key]).with_context(context)
    return wire(encryption.encrypt(Payload(metadata={"encoding": b"json/plain"}, data=b'"quokka"')))


def send(api: Api, *payloads: dict[str, Any], to: str = "decode") -> Any:
    """Send payloads as the Temporal Web UI does."""
    url = f"{api.address}/temporal-codec/{to}?preserveStorageRefs=true"
    return api.client.post(url, json={"payloads": payloads}, headers={"X-Namespace": "default"})


def test_payloads_of_a_release_are_decrypted_for_those_who_see_its_project(codec: Api) -> None:
    workflow = codec.add()["workflow_id"]
    viewer = codec.make_key("vera", VIEWER)

    for api in (codec, viewer):
        for id_ in (workflow, f"{workflow}/rollback/1"):
            answer = send(api, encrypted(id_), PLAIN)
            assert (answer.status_code, answer.json()) == (200, {"payloads": [PLAIN, PLAIN]})


def test_release_that_was_started_before_is_decrypted_too(codec: Api) -> None:
    release = codec.add()["id"]

    assert send(codec.make_key("vera", VIEWER), encrypted(f"release/shop/checkout/{release}")).is_success


def test_payloads_are_not_decrypted_for_others(codec: Api) -> None:
    workflow = codec.add()["workflow_id"]
    codec.make_project("other")
    stranger = codec.make_key("stan", {"project": "other", "role": "admin"})

    refused = send(stranger, encrypted(workflow))
    assert [refused.status_code, send(codec.with_key(None), encrypted(workflow)).status_code] == [403, 401]
    assert "shop" not in refused.text
    for unknown in ("webhook/1", "release/1", ""):
        assert send(stranger, encrypted(unknown)).status_code == 403
        assert send(codec, encrypted(unknown)).json() == {"payloads": [PLAIN]}


def test_payload_that_claims_another_workflow_is_not_decrypted(codec: Api) -> None:
    payload = encrypted("webhook/1")
    payload["metadata"]["encryption-workflow-id"] = base64.b64encode(codec.add()["workflow_id"].encode()).decode()
    answer = send(codec.make_key("vera", VIEWER), payload)

    assert (answer.status_code, "changed after it was encrypted" in answer.json()["detail"]) == (422, True)


def test_payload_of_an_unknown_key_is_refused_with_what_to_do(codec: Api) -> None:
    answer = send(codec, encrypted("release/1", new_secret_key()))

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert "Add that key at the end of the list" in answer.json()["detail"]


@pytest.mark.parametrize("body", [{"data": "?"}, {"metadata": {"encoding": "ä"}}])
def test_payload_that_is_not_in_base64_is_refused(codec: Api, body: dict[str, Any]) -> None:
    answer = send(codec, body)

    assert (answer.status_code, answer.json()["detail"]) == (422, "The data and metadata of a payload must be in base64.")


def test_only_an_owner_encrypts_for_workflows(codec: Api) -> None:
    answer = send(codec, PLAIN, to="encode")
    [payload] = answer.json()["payloads"]

    assert base64.b64decode(payload["metadata"]["encoding"]) == b"binary/encrypted"
    assert send(codec, payload).json() == {"payloads": [PLAIN]}
    assert send(codec.make_key("vera", VIEWER), PLAIN, to="encode").status_code == 403


def test_large_payload_is_decrypted(codec: Api) -> None:
    large = wire(PayloadEncryption([KEY]).encrypt(Payload(data=b"x" * 2**21)))

    assert len(base64.b64decode(send(codec, large).json()["payloads"][0]["data"])) == 2**21


def test_session_of_the_dashboard_counts_for_pages_of_the_web_ui_only(codec: Api) -> None:
    body = {"payloads": [encrypted("release/1")]}
    visitor = Visitor(codec.address)
    visitor.sign_in()

    def status(**headers: str) -> int:
        return visitor.client.post("/temporal-codec/decode", json=body, headers=headers).status_code

    assert [status(origin=WEB_UI), status(origin="https://other.example"), status()] == [200, 403, 403]
    visitor.client.cookies.clear()
    assert status(origin=WEB_UI) == 401
    visitor.close()


def test_browsers_may_send_a_session_from_the_web_ui_only(codec: Api) -> None:
    def preflight(path: str, origin: str) -> dict[str, str]:
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-namespace"}
        answer = codec.client.options(f"{codec.address}{path}", headers=asked)
        return {name: value for name, value in answer.headers.items() if name.startswith("access-control-allow-")}

    allowed = preflight("/temporal-codec/decode", WEB_UI)
    assert (allowed["access-control-allow-origin"], allowed["access-control-allow-credentials"]) == (WEB_UI, "true")
    assert "x-namespace" in allowed["access-control-allow-headers"]
    assert "access-control-allow-origin" not in preflight("/temporal-codec/decode", "https://other.example")
    assert preflight("/api/v1/projects", WEB_UI) == {}


def test_without_payload_keys_there_is_no_endpoint(api: Api) -> None:
    assert send(api, PLAIN).status_code == 404


def test_more_payloads_than_one_page_has_are_refused(codec: Api) -> None:
    assert send(codec, *[PLAIN] * MOST_PAYLOADS).is_success
    assert send(codec, *[PLAIN] * (MOST_PAYLOADS + 1)).status_code == 422
