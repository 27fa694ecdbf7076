"""The description of the HTTP API, as docs/openapi.json holds it."""

import json
import sys

from api.app import create_app
from settings import Settings


def description() -> str:
    """The OpenAPI document, the same each time it is made."""
    return json.dumps(create_app(Settings()).openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Print the OpenAPI document."""
    sys.stdout.write(description())


if __name__ == "__main__":
    main()
