"""People at a browser: one with a mouse, and one with the keyboard alone."""

from abc import ABC, abstractmethod

from playwright.sync_api import Locator, Page

MOST_STOPS = 400
"""The most presses of Tab to get anywhere on a page."""


class Person(ABC):
    """Somebody who uses a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @abstractmethod
    def press(self, target: Locator) -> None:
        """Follow a link, or press a button."""

    @abstractmethod
    def type(self, target: Locator, text: str) -> None:
        """Replace the text of a field."""

    @abstractmethod
    def choose(self, target: Locator, label: str) -> None:
        """Choose an option of a list."""


class MousePerson(Person):
    """Somebody who clicks."""

    def press(self, target: Locator) -> None:
        """Click it."""
        target.click()

    def type(self, target: Locator, text: str) -> None:
        """Click the field, and type."""
        target.click()
        target.fill(text)

    def choose(self, target: Locator, label: str) -> None:
        """Choose it from the list."""
        target.select_option(label=label)


class KeyboardPerson(Person):
    """Somebody who has only the keyboard."""

    def press(self, target: Locator) -> None:
        """Go there with Tab, and press Enter."""
        self._go_to(target)
        self.page.keyboard.press("Enter")

    def type(self, target: Locator, text: str) -> None:
        """Go there with Tab, and type."""
        self._go_to(target)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, target: Locator, label: str) -> None:
        """Go there with Tab, and type the beginning of the option."""
        self._go_to(target)
        self.page.keyboard.type(label)
        assert target.evaluate("list => list.selectedOptions[0].label") == label

    def _go_to(self, target: Locator) -> None:
        target.wait_for()
        for _ in range(MOST_STOPS):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} can't be reached with the keyboard")
