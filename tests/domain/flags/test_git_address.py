"""Addresses of Git repositories: what is one, what is the path of a folder, and what is refused."""

import pytest

from domain.errors import Invalid
from domain.flags.git_address import GitAddress, git_address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://git.example/team/flags.git", GitAddress("https://git.example/team/flags.git", None, "")),
        ("https://git.example:8443/flags#main", GitAddress("https://git.example:8443/flags", "main", "")),
        ("https://git.example/flags#release/1.2:deploy/flags", GitAddress("https://git.example/flags", "release/1.2", "deploy/flags")),
        ("https://git.example/flags#:/deploy/", GitAddress("https://git.example/flags", None, "deploy")),
        ("http://127.0.0.1/flags#main:", GitAddress("http://127.0.0.1/flags", "main", "")),
        ("file:///srv/flags/shop.git#main:a b/c", GitAddress("file:///srv/flags/shop.git", "main", "a b/c")),
    ],
)
def test_address_has_url_branch_and_folder(address: str, expected: GitAddress) -> None:
    assert git_address(address) == expected


@pytest.mark.parametrize("address", ["shop", "shop/flags", "/srv/flags", "shop#1", "a:b/flags", "..", "https", "shop.git"])
def test_everything_else_is_the_path_of_a_folder(address: str) -> None:
    assert git_address(address) is None


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("--upload-pack=touch /tmp/x", "must not begin with '-'"),
        ("-u", "must not begin with '-'"),
        ("ext::sh -c 'touch /tmp/x'", "in ASCII and without spaces"),
        ("ext::touch%20/tmp/x", "by https:// or file://, and by nothing else"),
        ("fd::17", "by nothing else"),
        ("https::https://git.example/flags", "by nothing else"),
        ("ssh://git.example/flags", "by nothing else"),
        ("git@git.example:team/flags.git", "by nothing else"),
        ("git://git.example/flags", "by nothing else"),
        ("ftp://git.example/flags", "by nothing else"),
        ("HTTPS://git.example/flags", "by nothing else"),
        ("https://token@git.example/flags", "A token belongs into the credential"),
        ("https://user:token@git.example/flags", "A token belongs into the credential"),
        ("https://git.example/flags?token=x", "A token belongs into the credential"),
        ("https:///flags", "write https://host/path"),
        ("https://[::1/flags", "write https://host/path"),
        ("https://git.example/fl\nags", "in ASCII"),
        ("https://git.example/flags\x00", "in ASCII"),
        ("https://git.example\\@evil/flags", "in ASCII"),
        ("file://host/srv/flags", "write file:///path"),
        ("file:///srv/%2e%2e/flags", "write file:///path"),
        ("https://git.example/flags#--force", "no name of a branch"),
        ("https://git.example/flags#a..b", "no name of a branch"),
        ("https://git.example/flags#+main", "no name of a branch"),
        ("https://git.example/flags#main.lock", "no name of a branch"),
        ("https://git.example/flags#main~1", "no name of a branch"),
        ("https://git.example/flags#main:..", "no folder of a repository"),
        ("https://git.example/flags#main:a/../b", "no folder of a repository"),
        ("https://git.example/flags#main:a//b", "no folder of a repository"),
        ("https://git.example/flags#main:a\nb", "no folder of a repository"),
    ],
)
def test_address_that_is_not_safe_is_refused(address: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        git_address(address)

    assert message in refused.value.message
