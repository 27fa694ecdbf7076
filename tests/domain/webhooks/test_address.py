"""Allowed and refused URLs of webhooks."""

import ipaddress

import pytest

from domain.errors import AddressRefused
from domain.webhooks.address import check_addresses, is_public, target_of

PUBLIC = ["93.184.216.34", "1.1.1.1", "172.32.0.1", "192.167.255.255", "2606:2800:220:1::1", "2a00:1450:4001::5e"]
REFUSED = {
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["0.0.0.0", "0.1.2.3", "240.0.0.1", "255.255.255.255", "::", "fec0::1"],  # noqa: S104 (nothing is bound)
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.254"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"],
    "IPv4 embedded in IPv6": [
        "::ffff:127.0.0.1",
        "::ffff:93.184.216.34",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::5db8:d822",
        "2002:7f00:1::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
}
OBJECTIONS = {
    "http://hooks.example.com/": "https",
    "ftp://hooks.example.com/": "https",
    "file:///etc/passwd": "https",
    "//hooks.example.com/": "https",
    "hooks.example.com": "https",
    "https://": "URL is invalid",
    "https:///path": "URL is invalid",
    "https://hooks.example.com/a b": "URL is invalid",
    "https://hooks.example.com/\nx": "URL is invalid",
    "https://hooks.example.com\\@127.0.0.1/": "URL is invalid",
    "https://bücher.example/": "URL is invalid",
    "https://[::1/": "URL is invalid",
    "https://erin@hooks.example.com/": "user",
    "https://erin:pass@hooks.example.com/": "user",
    "https://hooks.example.com/#part": "fragment",
    "https://hooks.example.com:0/": "port",
    "https://hooks.example.com:65536/": "URL is invalid",
    "https://hooks.example.com:x/": "URL is invalid",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_servers_on_the_public_internet_are_allowed(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(("why", "address"), [(why, address) for why, addresses in REFUSED.items() for address in addresses])
def test_no_other_address_is_public(why: str, address: str) -> None:
    assert not is_public(ipaddress.ip_address(address)), why


def test_a_host_is_refused_if_any_of_its_addresses_is() -> None:
    addresses = [ipaddress.ip_address(each) for each in ("93.184.216.34", "10.0.0.1")]

    check_addresses(addresses[:1], allow_private=False)
    check_addresses(addresses, allow_private=True)
    with pytest.raises(AddressRefused, match="private"):
        check_addresses(addresses, allow_private=False)


def test_a_host_without_an_address_is_refused_even_if_private_ones_are_allowed() -> None:
    with pytest.raises(AddressRefused, match="resolved"):
        check_addresses([], allow_private=True)


@pytest.mark.parametrize("url", OBJECTIONS)
def test_a_url_is_refused_with_the_reason(url: str) -> None:
    with pytest.raises(AddressRefused, match=OBJECTIONS[url]) as refusal:
        target_of(url, allow_private=False)

    assert [problem.pointer for problem in refusal.value.problems] == ["/url"]


def test_plain_http_is_accepted_only_if_private_addresses_are() -> None:
    assert target_of("http://localhost:8080/hook", allow_private=True) == ("localhost", 8080)
    with pytest.raises(AddressRefused):
        target_of("ftp://localhost/hook", allow_private=True)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://hooks.example.com/a?b=c", "hooks.example.com", 443),
        ("https://HOOKS.example.com:8443", "hooks.example.com", 8443),
        ("https://[2606:2800:220:1::1]/", "2606:2800:220:1::1", 443),
    ],
)
def test_the_host_and_port_of_a_url(url: str, host: str, port: int) -> None:
    assert target_of(url, allow_private=False) == (host, port)
