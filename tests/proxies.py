"""Proxies as companies have them, on loopback: with a password, with an authority of their own."""

from __future__ import annotations

import base64
import contextlib
import datetime
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
Deed: TypeAlias = Callable[[socket.socket], None]


class Authority:
    """A certificate authority that no system knows; `file` is what its users would be given."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, f"Authority of {folder.name}")]
        )
        own = self._builder(self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(PEM))

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        number = x509.random_serial_number()
        return (
            x509.CertificateBuilder(self._name, subject, key, number)
            .not_valid_before(now - day)
            .not_valid_after(now + day)
        )

    def server(self, host: str) -> ssl.SSLContext:
        """A server that shows a certificate of this authority for `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        built = self._builder(subject, key.public_key()).add_extension(names, critical=False)
        certificate = built.sign(self._key, hashes.SHA256()).public_bytes(PEM)
        plain = serialization.NoEncryption()
        file = self._folder / f"{host}.pem"
        file.write_bytes(
            certificate + key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, plain)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@contextlib.contextmanager
def listening(deed: Deed) -> Iterator[str]:
    """HOST:PORT of a server that does this with each connection."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):  # the client has hung up
                deed(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _head(connection: socket.socket) -> str:
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        if not piece:
            break
        found += piece
    return found.decode("latin-1")


def answering(status: str) -> Deed:
    """Every CONNECT gets this, for example `403 Forbidden`."""

    def deed(connection: socket.socket) -> None:
        _head(connection)
        # A proxy may say anything here, also what it was given.
        connection.sendall(f"HTTP/1.1 {status} sk-shown-by-proxy\r\n\r\n".encode())

    return deed


class Opening:
    """Opens secure connections by its own authority, and sends what is in them on to `upstream`.

    `login` is the name and password it asks for, as `name:password`; `shown` is the name on its
    certificates, else the right one.
    """

    def __init__(
        self, authority: Authority, upstream: str, login: str = "", shown: str = ""
    ) -> None:
        self._shown = shown
        self._authority = authority
        self._upstream = urlsplit(upstream)
        self._login = login
        self.opened = 0

    def __call__(self, connection: socket.socket) -> None:
        head = _head(connection)
        wanted = f"basic {base64.b64encode(self._login.encode()).decode()}".lower()
        if self._login and wanted not in head.lower():
            connection.sendall(
                b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                b'Proxy-Authenticate: Basic realm="company"\r\nContent-Length: 0\r\n\r\n'
            )
            return
        host = head.split(" ")[1].partition(":")[0]
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self._authority.server(self._shown or host).wrap_socket(
            connection, server_side=True
        ) as inside:
            self.opened += 1
            assert self._upstream.hostname is not None
            _join(inside, (self._upstream.hostname, self._upstream.port or 80))


def secured(authority: Authority, upstream: str, shown: str) -> Deed:
    """TLS with this name on the certificate, before a server without."""
    parts = urlsplit(upstream)

    def deed(connection: socket.socket) -> None:
        with authority.server(shown).wrap_socket(connection, server_side=True) as inside:
            assert parts.hostname is not None and parts.port is not None
            _join(inside, (parts.hostname, parts.port))

    return deed


def _join(inside: socket.socket, place: tuple[str, int]) -> None:
    with socket.create_connection(place) as upstream:
        back = threading.Thread(target=_copy, args=(upstream, inside), daemon=True)
        back.start()
        _copy(inside, upstream)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def socks_with_login(connection: socket.socket) -> None:
    """SOCKS5: whatever the name and password, they are wrong; without them nothing goes."""
    offered = connection.recv(64)[2:]
    if b"\x02" not in offered:
        connection.sendall(b"\x05\xff")
        return
    connection.sendall(b"\x05\x02")
    connection.recv(512)
    connection.sendall(b"\x01\x01")


def socks_saying(reply: int) -> Deed:
    """SOCKS5 without a login; every connection ends with this reply (RFC 1928, section 6)."""

    def deed(connection: socket.socket) -> None:
        connection.recv(64)
        connection.sendall(b"\x05\x00")
        connection.recv(512)
        connection.sendall(bytes((5, reply, 0, 1, 0, 0, 0, 0, 0, 0)))

    return deed
