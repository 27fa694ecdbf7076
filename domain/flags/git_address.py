"""Addresses of Git repositories with files for flagd: `https://git.example/team/flags.git#main:deploy/flags`."""

import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from domain.errors import Invalid

_BEGINNINGS = ("https://", "http://", "file://")
"""The transports that are possible. Plain HTTP takes the setting that allows private addresses."""
GIT_AUTHOR = "Flaghoist <flaghoist@localhost>"
"""The author of commits, unless a setting names another one."""

_LOOKS_REMOTE = re.compile(r"[\w.+-]+::|[\w.+-]+://|[\w.-]+@[\w.-]+:")
"""The beginnings `transport::`, `scheme://` and `user@host:`."""
_BRANCH = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_/+-]|\.(?!\.))*")


class GitAddress(NamedTuple):
    """A repository, its branch or None for the default branch, and the folder within it, which is empty for all of it."""

    url: str
    branch: str | None
    folder: str

    @property
    def is_over_http(self) -> bool:
        """True if a server is called. Otherwise, the repository is a folder of this machine."""
        return not self.url.startswith("file:")

    @property
    def path(self) -> str:
        """The path of a repository on this machine."""
        return urlsplit(self.url).path


def git_address(address: str) -> GitAddress | None:
    """Return the repository at an address, or None if that is the path of a folder. Raises Invalid if it is no safe address of either."""
    if address.startswith("-"):
        raise Invalid("The address must not begin with '-'.")
    if not _LOOKS_REMOTE.match(address):
        return None
    url, _, place = address.partition("#")
    branch, _, folder = place.partition(":")
    try:
        objection = _objection(url, urlsplit(url)) or _place_objection(branch, folder)
    except ValueError:
        objection = "The address is invalid: write https://host/path#branch:folder."
    if objection:
        raise Invalid(objection)
    return GitAddress(url, branch or None, folder.strip("/"))


def _objection(url: str, parts: SplitResult) -> str | None:
    is_file = parts.scheme == "file"
    objections = {
        "The address is invalid: write https://host/path#branch:folder, in ASCII and without spaces.": not _is_plain(url),
        "Repositories are reached by https:// or file://, and by nothing else. Hosts give tokens for https.": not url.startswith(
            _BEGINNINGS
        ),
        "The address must not contain a user, a password or '?'. A token belongs into the credential.": "@" in parts.netloc or "?" in url,
        "The address is invalid: write https://host/path#branch:folder.": not is_file and not parts.hostname,
        "The address is invalid: write file:///path#branch:folder, without '%'.": is_file and (bool(parts.netloc) or "%" in url),
    }
    return next((objection for objection, applies in objections.items() if applies), None)


def _place_objection(branch: str, folder: str) -> str | None:
    if branch and (not _BRANCH.fullmatch(branch) or "//" in branch or branch.endswith(("/", ".", ".lock"))):
        return f"'{branch}' is no name of a branch. Write the address as URL#branch:folder."
    names = folder.strip("/").split("/")
    if folder and (not folder.isprintable() or any(name in ("", ".", "..") for name in names)):
        return f"'{folder}' is no folder of a repository. Write the address as URL#branch:folder."
    return None


def _is_plain(url: str) -> bool:
    return url.isascii() and url.isprintable() and " " not in url and "\\" not in url
