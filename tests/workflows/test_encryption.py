"""The encryption of payloads: what it protects, how keys are rotated, and what happens without the right key."""

import asyncio
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer

from activities.providers.sealing import new_secret_key
from tests.workflows.harness import HISTORIES
from tests.workflows.sandbox import sandbox
from workflows.encryption import PayloadEncryption, PayloadUnreadable
from workflows.payloads import data_converter
from workflows.release import ReleaseWorkflow
from workflows.rollback import RollbackWorkflow
from workflows.webhook import WebhookWorkflow

OLD, NEW = new_secret_key(), new_secret_key()
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'"quokka"')


def of_workflow(encryption: PayloadEncryption, workflow: str) -> PayloadEncryption:
    return encryption.with_context(WorkflowSerializationContext(namespace="default", workflow_id=workflow))


def text_of(error: BaseException, converter: DataConverter) -> tuple[Failure, str]:
    """Return an exception as Temporal stores it, and the message that another process reads."""

    async def cross() -> tuple[Failure, str]:
        failure = Failure()
        await converter.encode_failure(error, failure)
        stored = Failure.FromString(failure.SerializeToString())
        return stored, str(await converter.decode_failure(failure))

    return asyncio.run(cross())


def test_payload_comes_back_with_its_metadata_and_its_names_are_not_in_it() -> None:
    encryption = PayloadEncryption([NEW])
    first, second = encryption.encrypt(PLAIN), encryption.encrypt(PLAIN)

    assert encryption.decrypt(first) == encryption.decrypt(second) == PLAIN
    assert first.data != second.data
    assert b"quokka" not in first.SerializeToString()
    assert b"json/plain" not in first.SerializeToString()


def test_rotated_key_still_decrypts_and_no_longer_encrypts() -> None:
    before, between, after = PayloadEncryption([OLD]), PayloadEncryption([NEW, OLD]), PayloadEncryption([NEW])

    assert between.decrypt(before.encrypt(PLAIN)) == PLAIN
    assert after.decrypt(between.encrypt(PLAIN)) == PLAIN


@pytest.mark.parametrize("keys", [[NEW], []], ids=["another key", "no key"])
def test_payload_of_an_unknown_key_is_refused_with_what_to_do(keys: list[str]) -> None:
    encrypted = PayloadEncryption([OLD]).encrypt(PLAIN)
    key = encrypted.metadata["encryption-key-id"].decode()

    with pytest.raises(PayloadUnreadable, match=rf"the key {key}.*Add that key at the end of the list"):
        PayloadEncryption(keys).decrypt(encrypted)


def test_payloads_that_are_not_encrypted_are_read_as_they_are() -> None:
    for keys in ([], [NEW]):
        assert asyncio.run(PayloadEncryption(keys).decode([PLAIN])) == [PLAIN]
    assert asyncio.run(PayloadEncryption().encode([PLAIN])) == [PLAIN]


def test_payload_is_readable_in_its_own_workflow_only() -> None:
    encryption = PayloadEncryption([NEW])
    encrypted = of_workflow(encryption, "release/1").encrypt(PLAIN)

    assert of_workflow(encryption, "release/1").decrypt(encrypted) == PLAIN
    assert encryption.decrypt(encrypted) == PLAIN, "the codec endpoint does not know the workflow"
    with pytest.raises(PayloadUnreadable, match="belongs to another workflow"):
        of_workflow(encryption, "release/2").decrypt(encrypted)


def moved(encrypted: Payload) -> Payload:
    encrypted.metadata["encryption-workflow-id"] = b"release/2"
    return encrypted


def cut(encrypted: Payload) -> Payload:
    encrypted.data = encrypted.data[:10]
    return encrypted


def changed(encrypted: Payload) -> Payload:
    encrypted.data = encrypted.data[:-1] + bytes([encrypted.data[-1] ^ 1])
    return encrypted


@pytest.mark.parametrize("change", [moved, cut, changed])
def test_payload_that_somebody_changed_is_refused(change: object) -> None:
    encryption = PayloadEncryption([NEW])
    encrypted = of_workflow(encryption, "release/1").encrypt(PLAIN)

    assert callable(change)
    with pytest.raises(PayloadUnreadable, match="changed after it was encrypted"):
        encryption.decrypt(change(encrypted))


def test_text_of_a_failure_is_encrypted_and_read_again() -> None:
    try:
        raise ApplicationError("The quokka is gone.", {"flag": "quokka"}, type="FlagGone")
    except ApplicationError as error:
        stored, read = text_of(error, data_converter([NEW]))

    assert b"quokka" not in stored.SerializeToString()
    assert b"test_encryption" not in stored.SerializeToString(), "the stack trace is encrypted"
    assert (stored.application_failure_info.type, read) == ("FlagGone", "FlagGone: The quokka is gone.")


def test_failure_that_names_a_missing_key_is_readable_without_it() -> None:
    error = PayloadUnreadable("Add that key.")

    assert text_of(error, data_converter([NEW]))[0].message == "Add that key."


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem)
def test_history_from_before_it_was_turned_on_replays(path: Path) -> None:
    replayer = Replayer(
        workflows=[ReleaseWorkflow, RollbackWorkflow, WebhookWorkflow], data_converter=data_converter([NEW]), workflow_runner=sandbox()
    )
    asyncio.run(replayer.replay_workflow(WorkflowHistory.from_json(f"release/{path.stem}", path.read_text())))
