"""Forms as a browser without JavaScript would send them."""

from html.parser import HTMLParser

import httpx

from tests.dashboard.visitor import Visitor


class _Fields(HTMLParser):
    """Collects the fields of a page's main form, with their present values."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._form = form
        self._inside = False
        self._select = self._textarea = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._inside = given.get("class") == self._form
        elif self._inside and "name" in given and tag != "button":
            self._begin(tag, given)
        elif self._select and tag == "option" and ("selected" in given or self._select not in self.fields):
            self.fields[self._select] = given.get("value", "")

    def _begin(self, tag: str, given: dict[str, str]) -> None:
        name = given["name"]
        if tag == "select":
            self._select = name
        elif tag == "textarea":
            self._textarea, self.fields[name] = name, ""
        elif given.get("type") != "checkbox" or "checked" in given:
            self.fields[name] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.fields[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            typed = self.fields[self._textarea].removeprefix("\n")
            self.fields[self._textarea], self._textarea = typed.replace("\n", "\r\n"), ""
        elif tag == "select":
            self._select = ""
        elif tag == "form":
            self._inside = False


def fields_of(page: httpx.Response, form: str = "editor") -> dict[str, str]:
    """Return the fields of the form with this class, as they would be sent."""
    parser = _Fields(form)
    parser.feed(page.text)
    return parser.fields


def press(visitor: Visitor, page: httpx.Response, button: str, **typed: str) -> httpx.Response:
    """Fill in the form of the editor's page, and press a button of it."""
    return visitor.client.post(page.url.path, data=fields_of(page) | typed | {"do": button})
