"""Documents in files, on standard input and on the terminal."""

import sys
from pathlib import Path
from typing import Any

from activities.documents import parse_document, yaml_of
from api.cli.output import show_json
from api.cli.usage import usage_error
from api.embedded.plain_text import plain
from domain.errors import Invalid


def read_document(file: Path) -> Any:
    """Read a document from a file, or from standard input for `-`. If that fails, the command ends with exit code 2."""
    name = "Standard input" if str(file) == "-" else str(file)
    try:
        return parse_document(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"), name)
    except OSError as error:
        raise usage_error(f"{name} can't be read: {error.strerror}.") from error
    except UnicodeError as error:
        raise usage_error(f"{name} is not text in UTF-8.") from error
    except Invalid as error:
        raise usage_error(error.message) from error


def as_yaml(document: Any) -> str:
    """Write a document as YAML, with escapes if its characters could control a terminal."""
    text = yaml_of(document)
    return text if plain(text) == text else yaml_of(document, only_ascii=True)


def show_document(document: Any, *, as_json: bool) -> None:
    """Print a document that can be edited and read again."""
    if as_json:
        show_json(document)
    else:
        sys.stdout.write(as_yaml(document))
