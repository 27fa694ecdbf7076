"""The conversion of payloads."""

from workflows.payloads import SharedPydanticPayloadConverter


def test_the_workflows_of_a_process_share_their_validators() -> None:
    one, another = SharedPydanticPayloadConverter(), SharedPydanticPayloadConverter()
    [payload] = one.to_payloads([{"percent": 1}])

    assert one.from_payload(payload, dict[str, int]) == {"percent": 1}
    assert one.converters[b"json/plain"] is another.converters[b"json/plain"]
