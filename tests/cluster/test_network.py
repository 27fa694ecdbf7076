"""The network of the cluster: connections go to the targets in turn, and to none that is down. Hosts can be slow, silent and cut off."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from tests.cluster.network import Address, Network
from tests.http import get_url
from tests.ports import free_port

HOST = "127.0.0.1"


@contextmanager
def server(name: str) -> Iterator[Address]:
    """A server that answers every request with its name."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(name)}\r\n\r\n{name}".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield "127.0.0.1", running.server_address[1]
        running.shutdown()


@contextmanager
def network(*targets: Address) -> Iterator[tuple[Network, str]]:
    """A network with one address in front of the targets."""
    made, port = Network(), free_port()
    made.link((HOST, port), *targets)
    with made:
        yield made, f"http://{HOST}:{port}"


def test_connections_go_to_the_targets_in_turn() -> None:
    with server("one") as one, server("two") as two, network(one, two) as (_, url):
        assert [get_url(url).text for _ in range(4)] == ["one", "two", "one", "two"]


def test_target_that_is_down_gets_no_connection() -> None:
    with server("one") as one, network((HOST, free_port()), one) as (_, url):
        assert [get_url(url).text for _ in range(3)] == ["one"] * 3


def test_connection_is_closed_if_every_target_is_down() -> None:
    with network((HOST, free_port())) as (_, url), pytest.raises(httpx.TransportError):
        get_url(url)


def test_connection_is_closed_while_the_host_is_cut_off() -> None:
    with server("one") as one, network(one) as (made, url):
        with made.cut_off(HOST), pytest.raises(httpx.TransportError):
            get_url(url)

        assert get_url(url).text == "one"


def test_open_connection_is_closed_when_the_host_is_cut_off() -> None:
    with server("one") as one, network(one) as (made, url), socket.create_connection((HOST, int(url.rpartition(":")[2]))) as client:
        made.wait_for_connection(HOST)
        with made.cut_off(HOST):
            assert client.recv(1) == b""


def test_answer_arrives_after_a_stall() -> None:
    with server("one") as one, network(one) as (made, url), ThreadPoolExecutor() as threads:
        with made.stalled(HOST):
            asked = threads.submit(get_url, url)
            with pytest.raises(TimeoutError):
                asked.result(0.3)

        assert asked.result().text == "one"


def test_each_direction_is_delayed() -> None:
    with server("one") as one, network(one) as (made, url), made.delayed(HOST, 0.2):
        began = time.monotonic()

        assert get_url(url).text == "one"
        assert time.monotonic() - began >= 0.4


def test_another_host_is_not_affected() -> None:
    with server("one") as one, network(one) as (made, url), made.cut_off("127.0.0.2"), made.stalled("127.0.0.3"):
        assert get_url(url).text == "one"
