"""The conversion of payloads, for clients, workers and replays."""

from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter

_PYDANTIC = PydanticPayloadConverter()


class SharedPydanticPayloadConverter(CompositePayloadConverter):
    """Temporal's converter for pydantic, with one cache of validators for the whole process.

    Temporal makes a converter for each workflow run. The cache of its own one starts empty then, and building validators is
    about a tenth of the CPU time of a replay.
    """

    def __init__(self) -> None:
        super().__init__(*_PYDANTIC.converters.values())


DATA_CONVERTER = DataConverter(payload_converter_class=SharedPydanticPayloadConverter)
