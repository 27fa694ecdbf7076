"""The conversion of payloads, for clients, workers and replays."""

from collections.abc import Sequence

from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadConverter,
)

from workflows.encryption import PayloadEncryption, PayloadUnreadable

_PYDANTIC = PydanticPayloadConverter()


class SharedPydanticPayloadConverter(CompositePayloadConverter):
    """Temporal's converter for pydantic, with one cache of validators for the whole process.

    Temporal makes a converter for each workflow run. The cache of its own one starts empty then, and building validators is
    about a tenth of the CPU time of a replay.
    """

    def __init__(self) -> None:
        super().__init__(*_PYDANTIC.converters.values())


class EncryptedFailureConverter(DefaultFailureConverterWithEncodedAttributes):
    """Moves the texts of failures into payloads, which are encrypted, except for one that says that a key is missing."""

    def __init__(self) -> None:
        super().__init__()
        self._in_clear = DefaultFailureConverter()

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Convert an exception into a failure. People who look for a missing key must be able to read that it is missing."""
        if isinstance(exception, PayloadUnreadable):
            self._in_clear.to_failure(exception, payload_converter, failure)
        else:
            super().to_failure(exception, payload_converter, failure)


def data_converter(keys: Sequence[str] = ()) -> DataConverter:
    """Return the conversion of payloads, which are encrypted if there are keys.

    Without keys it still refuses encrypted payloads: a worker that could not read a signal would drop it.
    """
    return DataConverter(
        payload_converter_class=SharedPydanticPayloadConverter,
        payload_codec=PayloadEncryption(keys),
        failure_converter_class=EncryptedFailureConverter if keys else DefaultFailureConverter,
    )


def encryption_of(converter: DataConverter) -> PayloadEncryption:
    """Return the encryption of a conversion. One that others have made encrypts nothing."""
    codec = converter.payload_codec
    return codec if isinstance(codec, PayloadEncryption) else PayloadEncryption()


DATA_CONVERTER = data_converter()
"""The conversion without encryption."""
