"""The conversion of payloads."""

from workflows.payloads import DATA_CONVERTER


def test_the_workflows_of_a_process_share_their_validators() -> None:
    one, another = (DATA_CONVERTER.payload_converter_class() for _ in range(2))
    [payload] = one.to_payloads([{"percent": 1}])

    assert one.from_payload(payload, dict[str, int]) == {"percent": 1}
    assert one.converters[b"json/plain"] is another.converters[b"json/plain"]
