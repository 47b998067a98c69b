"""Settings: sound defaults, and a named reason for each value that cannot be used."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from exai_desktop.core.settings import MIB, NARROWING, CurrentSettings, OnContent, Settings


def _refused(**values: object) -> set[str]:
    try:
        Settings.model_validate(values)
    except ValidationError as error:
        return {str(item["loc"][0]) for item in error.errors()}
    return set()


def _bounds() -> list[tuple[str, str, float]]:
    """(field, kind of bound, bound) of all fields that have one."""
    return [
        (name, kind, getattr(rule, kind))
        for name, field in Settings.model_fields.items()
        for rule in field.metadata
        for kind in ("ge", "gt", "le")
        if hasattr(rule, kind)
    ]


def test_the_defaults_are_what_the_documents_promise() -> None:
    settings = Settings.model_validate({})
    assert settings.max_file_bytes == 512 * MIB
    assert settings.settle_s == 60
    assert not settings.allow_fallback


def test_the_defaults_pass_their_own_rules() -> None:
    assert not _refused(**Settings.model_validate({}).model_dump())


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained_in_a_sentence(name: str) -> None:
    text = Settings.model_fields[name].description
    assert text and text[0].isupper() and text.endswith(".")


@pytest.mark.parametrize(("name", "kind", "bound"), _bounds())
def test_a_bound_is_where_it_is_said_to_be(name: str, kind: str, bound: float) -> None:
    step = -1 if kind in ("ge", "gt") else 1
    assert _refused(**{name: bound + step}) == {name}
    assert _refused(**{name: bound}) == ({name} if kind == "gt" else set())


@pytest.mark.parametrize("name", ["settle_s", "connect_timeout_s", "max_in_flight"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan", "soon", None, [1]])
def test_what_is_no_number_is_refused(name: str, value: Any) -> None:
    assert _refused(**{name: value}) == {name}


def test_text_from_the_environment_is_understood() -> None:
    settings = Settings.model_validate({"settle_s": "2", "allow_fallback": "true"})
    assert settings.settle_s == 2
    assert settings.allow_fallback


@pytest.mark.parametrize("values", [{"theme": "pink"}, {"log_level": "loud"}, {"proxi": "x"}])
def test_unknown_words_and_names_are_refused(values: dict[str, str]) -> None:
    assert _refused(**values) == set(values)


def test_each_bad_value_is_named_with_its_reason() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 8"):
        Settings.model_validate({"readers": 99})
    assert _refused(settle_s=-1, readers=99, theme="dark") == {"settle_s", "readers"}


@pytest.mark.parametrize("address", ["", "http://a:8080", "https://a", "socks5://u:p@a:1080"])
def test_a_proxy_of_the_three_kinds_is_taken(address: str) -> None:
    assert not _refused(proxy=address)


@pytest.mark.parametrize(
    "address",
    [
        *("nonsense", "ftp://a:21", "http://", "socks://a:1080", "http://a:0", "http://a:99999"),
        *("http://a:8080/path", "http://a b:8080", "http://me:p@ss@a", "http://me:p/w@a"),
    ],
)
def test_a_proxy_of_another_kind_is_refused_when_it_is_set(address: str) -> None:
    assert _refused(proxy=address) == {"proxy"}


def test_settings_do_not_change_under_those_who_read_them() -> None:
    settings = Settings.model_validate({})
    with pytest.raises(ValidationError, match="frozen"):
        settings.settle_s = 1


@pytest.mark.parametrize("url", ["", "redis://127.0.0.1:6379/0", "unix:///run/redis.sock"])
def test_a_shared_redis_is_taken(url: str) -> None:
    assert Settings(redis_url=url).redis_url == url


def test_a_shared_redis_without_protection_is_refused() -> None:
    assert _refused(redis_url="redis://10.0.0.1:6379") == {"redis_url"}
    assert _refused(redis_url="rediss://a?ssl_cert_reqs=none") == {"redis_url"}


def test_a_limit_of_speed_is_none_or_more_than_a_trickle() -> None:
    assert Settings(upload_bytes_per_s=0).upload_bytes_per_s == 0
    assert Settings(upload_bytes_per_s=16_384).upload_bytes_per_s == 16_384
    with pytest.raises(ValidationError, match="servers end slower uploads"):
        Settings(upload_bytes_per_s=16_383)


def test_what_narrows_where_files_go_is_a_setting() -> None:
    assert set(Settings.model_fields) >= NARROWING


def test_each_answer_to_what_is_in_a_file_keeps_it_from_somewhere() -> None:
    kind = get_args(OnContent)
    answers = {n for n, f in Settings.model_fields.items() if get_args(f.annotation) == kind}
    assert "content_secret" in answers
    assert answers <= NARROWING


def test_the_settings_in_force_can_be_exchanged() -> None:
    current = CurrentSettings(Settings())
    current.value = Settings(readers=3)
    assert current.value.readers == 3
