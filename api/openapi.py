"""The OpenAPI document as it is stored in docs/openapi.json."""

import json
import sys

from api.app import create_app
from settings import Settings


def description() -> str:
    """Return the OpenAPI document, with a stable order."""
    return json.dumps(create_app(Settings()).openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Print the OpenAPI document."""
    sys.stdout.write(description())


if __name__ == "__main__":
    main()
