"""The table of settings in docs/settings.md, generated from the settings."""

import sys

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from settings import Settings


def settings_table(settings: type[BaseSettings]) -> str:
    """Return a table with one row per setting: its environment variable, default and meaning."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in settings.model_fields.items():
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        shown = "(empty)" if default is None or str(default) == "" else f"`{default}`"
        rows.append(f"| `FLAGHOIST_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(settings_table(Settings))
