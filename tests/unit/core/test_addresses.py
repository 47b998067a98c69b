"""Addresses of the proxy and of Redis: what they may say, and what a password belongs to."""

from __future__ import annotations

import pytest

from exai_desktop.core.addresses import (
    check_redis,
    checked_password,
    password_place,
    proxy_password,
    proxy_with,
)


def test_the_password_of_a_proxy_is_found() -> None:
    assert proxy_password("http://me:p%40ss@[::1]:3128/") == "p%40ss"
    assert proxy_password("HTTPS://me@gate.example") == ""
    with pytest.raises(ValueError, match="socks5://") as caught:
        proxy_password("http://me:s3cr3t@x@gate.example")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("http://me@gate.example:3128", "http://me:p%40%2Fs@gate.example:3128"),
        ("SOCKS5://me@[::1]:1080/", "SOCKS5://me:p%40%2Fs@[::1]:1080/"),
        ("http://gate.example:3128", "http://gate.example:3128"),
        ("http://me:other@gate.example:3128", "http://me:other@gate.example:3128"),
    ],
)
def test_a_kept_password_goes_behind_its_name(address: str, whole: str) -> None:
    assert proxy_with(address, "p@/s") == whole
    assert proxy_with(address, "") == address


@pytest.mark.parametrize(
    "url",
    [
        *("redis://127.0.0.1:6379/0", "redis://localhost", "redis://[::1]:6379/", "rediss://a"),
        *("rediss://redis.example:6380/1", "unix:///run/redis.sock", "unix:///run/r.sock?db=2"),
        "rediss://redis.example?ssl_ca_certs=/etc/company/authority.pem&db=3",
    ],
)
def test_an_address_of_redis_is_on_this_computer_or_behind_tls(url: str) -> None:
    check_redis(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1", "begin with redis"),
        ("redis://10.0.0.1:6379", "rediss:// only"),
        ("rediss://:s3cr3t@redis.example", "set-secret redis_url"),
        ("rediss://s3cr3t@redis.example", "set-secret redis_url"),
        ("rediss://redis.example?password=s3cr3t", "set-secret redis_url"),
        ("rediss://redis.example?pass%77ord=s3cr3t", "set-secret redis_url"),
        ("rediss://redis.example?ssl_cert_reqs=none", "always checked"),
        ("rediss://redis.example?ssl%5Fcert_reqs=none", "always checked"),
        ("rediss://redis.example?ssl_cert_reqs=", "always checked"),
        ("rediss://redis.example?ssl_check_hostname=false", "always checked"),
        ("rediss://redis.example?s3cr3t=1", "allowed: db, ssl_ca_certs"),
        ("rediss://redis.example?s3cr3t", "allowed: db, ssl_ca_certs"),
        ("redis://127.0.0.1?ssl_ca_certs=/a.pem", "allowed: db"),
        ("rediss://redis.example?socket_timeout=0", "allowed: db, ssl_ca_certs"),
        ("rediss://redis.example?db=s3cr3t", "cannot be used"),
        ("rediss://redis.example?ssl_ca_certs=", "without a value"),
        ("rediss://redis.example#s3cr3t", "cannot be used"),
        ("rediss://redis.example/s3cr3t", "HOST:PORT/NUMBER"),
        ("rediss:///1", "HOST:PORT/NUMBER"),
        ("rediss://redis.example:0", "HOST:PORT/NUMBER"),
        ("rediss://redis.example:s3cr3t", "cannot be read"),
        ("rediss://[s3cr3t", "cannot be read"),
        ("unix://host/run/redis.sock", "path of a socket"),
        ("unix://", "path of a socket"),
    ],
)
def test_an_address_of_redis_that_weakens_the_line_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        check_redis(url)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "address", "place"),
    [
        ("proxy", "HTTP://Me:pw@Gate.Example:3128/", "http://Me@gate.example:3128"),
        ("proxy", "socks5://me@gate.example", "socks5://me@gate.example"),
        ("redis_url", "rediss://Redis.Example/3?db=1", "rediss://redis.example:6379"),
        ("redis_url", "rediss://redis.example:6380", "rediss://redis.example:6380"),
        ("redis_url", "unix:///run/redis.sock?db=1", "unix:///run/redis.sock"),
    ],
)
def test_what_a_password_belongs_to(setting: str, address: str, place: str) -> None:
    assert password_place(setting, address) == place


def test_a_proxy_without_a_name_has_no_password() -> None:
    with pytest.raises(ValueError, match="write the name"):
        password_place("proxy", "http://gate.example:3128")


def test_a_password_is_one_line() -> None:
    assert checked_password("a word\r\n") == "a word"
    for bad, reason in (("\n", "empty"), ("x" * 513, "512"), ("a\tb", "printed")):
        with pytest.raises(ValueError, match=reason):
            checked_password(bad)
