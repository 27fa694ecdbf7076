"""The proxy of the cluster: connections go to the servers in turn, and to none that is down."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.cluster.balancer import Address, Balancer
from tests.http import get_url
from tests.ports import free_port


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


def ask(balancer: Balancer) -> str:
    return get_url(f"http://{balancer.address}").text


def test_connections_go_to_the_servers_in_turn() -> None:
    with server("one") as one, server("two") as two, Balancer([one, two]) as balancer:
        assert [ask(balancer) for _ in range(4)] == ["one", "two", "one", "two"]


def test_server_that_is_down_gets_no_connection() -> None:
    with server("one") as one, Balancer([("127.0.0.1", free_port()), one]) as balancer:
        assert [ask(balancer) for _ in range(3)] == ["one"] * 3


def test_connection_is_closed_if_every_server_is_down() -> None:
    with Balancer([("127.0.0.1", free_port())]) as balancer, pytest.raises(httpx.TransportError):
        ask(balancer)
