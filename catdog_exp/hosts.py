"""A machine's names and addresses, and the ports of it that are free."""

from __future__ import annotations

import socket
from contextlib import suppress

from catdog_exp.errors import UserError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # addresses that stand for all of a machine's, each with the one to ask


def url_host(host: str) -> str:
    """A host's name or address as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def check_free(host: str, port: int) -> None:
    """Raise UserError where a server cannot have this port."""
    if not 1 <= port <= 65535:
        raise UserError(f"port {port}: there are 1 to 65535, choose another with --port")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:  # the latter of names that no host can have
        raise UserError(f"port {port} of {host} cannot be had ({error}): choose another with --port") from None


def names_of(host: str) -> list[str]:
    """What a browser may call the machine that serves on `host`; the first is one that it can be asked by."""
    if host in LOOPBACK:
        return [url_host(host)]
    import psutil

    addresses = [
        url_host(each.address.partition("%")[0])
        for network in psutil.net_if_addrs().values()
        for each in network
        if each.family in (socket.AF_INET, socket.AF_INET6)
    ]
    known = [socket.gethostname(), socket.getfqdn()]
    with suppress(OSError):  # in a container that nobody knows by its name, an address stands first
        socket.getaddrinfo(known[0], None)
        addresses = [*known, *addresses]
    addresses.sort(key=lambda name: name in LOOPBACK)
    asked = [] if host in ANY else [url_host(host)]
    return list(dict.fromkeys([*asked, *addresses, *known]))
