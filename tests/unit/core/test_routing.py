"""Which account takes a file, and never without consent who else."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.routing.capabilities import fit, table_of
from exai_desktop.core.routing.routing import Wish, candidates, choose

RESOURCE = Path(__file__).resolve().parents[3] / "resources" / "providers.toml"
TABLE = table_of(tomllib.loads(RESOURCE.read_text(encoding="utf-8")))
MIB = 1024 * 1024

PLACES = [(p.name, r.name) for p in TABLE.providers for r in p.regions] + [("nobody", "x")]
PURPOSES = sorted({p.name for provider in TABLE.providers for p in provider.purposes})


def _account(
    name: str, provider: str, region: str, order: int = 0, enabled: bool = True
) -> Account:
    return Account(name, provider, region, "https://a.example", enabled=enabled, order=order)


def _code(name: str, size: int, wish: Wish, *accounts: Account) -> ErrorCode:
    with pytest.raises(AppError) as caught:
        choose(name, size, wish, accounts, TABLE)
    return caught.value.code


KIMI = _account("my kimi", "kimi", "intl", order=0)
KIMI_CN = _account("kimi china", "kimi", "cn", order=1)
GLM = _account("my glm", "glm", "zai", order=2)

ACCOUNTS = st.lists(
    st.builds(
        lambda name, place, order, enabled: _account(name, place[0], place[1], order, enabled),
        st.sampled_from("abcdef"),
        st.sampled_from(PLACES),
        st.integers(0, 3),
        st.booleans(),
    ),
    unique_by=lambda account: account.name,
    max_size=6,
)
WISHES = st.builds(
    Wish,
    st.none() | st.sampled_from("abcdefg"),
    st.none() | st.sampled_from([*PURPOSES, "assistants", "nonsense"]),
    st.booleans(),
)
FILES = st.tuples(
    st.sampled_from(["a.pdf", "a.png", "a.jsonl", "a.mp4", "a.exe", "a.docx", "noending"]),
    st.integers(1, 600 * MIB),
)


REFUSED = st.dictionaries(
    st.sampled_from("abcdef"), st.just(AppError(ErrorCode.PROVIDER_REJECTED, "no")), max_size=4
)


@given(FILES, WISHES, ACCOUNTS, REFUSED)
def test_the_laws_of_routing(
    file: tuple[str, int], wish: Wish, accounts: list[Account], refused: dict[str, AppError]
) -> None:
    name, size = file
    try:
        route = choose(name, size, wish, accounts, TABLE, refused)
    except AppError as error:
        if error.code is ErrorCode.CONSENT_NEEDED:
            assert not wish.allow_fallback
            with_consent = Wish(wish.account, wish.purpose, allow_fallback=True)
            choose(name, size, with_consent, accounts, TABLE, refused)
        return
    account = route.account
    assert account in accounts and account.enabled and account.name not in refused
    assert route.reason.strip()
    provider = TABLE.provider(account.provider)
    assert provider is not None
    assert route.purpose == fit(name, size, provider, account.region, wish.purpose)
    first = candidates(wish, accounts)[0]
    if not wish.allow_fallback:
        # Never to another company or region, and never past the account the user has named.
        assert (account.provider, account.region) == (first.provider, first.region)
        assert wish.account in (None, account.name)


@given(WISHES, ACCOUNTS)
def test_every_usable_account_is_a_candidate_once_the_wanted_one_first(
    wish: Wish, accounts: list[Account]
) -> None:
    usable = [a for a in accounts if a.enabled]
    names = {a.name for a in usable}
    if not usable or wish.account not in {None, *names}:
        with pytest.raises(AppError) as caught:
            candidates(wish, accounts)
        expected = ErrorCode.UNKNOWN_ACCOUNT if usable else ErrorCode.NO_ACCOUNT
        assert caught.value.code is expected
        return
    found = candidates(wish, accounts)
    assert sorted(a.name for a in found) == sorted(names)
    rest = found if wish.account is None else found[1:]
    assert wish.account in (None, found[0].name)
    assert [(a.order, a.name) for a in rest] == sorted((a.order, a.name) for a in rest)


def test_the_preferred_account_takes_what_nobody_was_asked_for() -> None:
    route = choose("a.pdf", 100, Wish(), [GLM, KIMI_CN, KIMI], TABLE)
    assert (route.account, route.purpose.name) == (KIMI, "file-extract")
    assert route.reason == "preferred account"


def test_the_chosen_account_is_used_whatever_is_preferred() -> None:
    route = choose("a.pdf", 100, Wish(account="my glm"), [KIMI, GLM], TABLE)
    assert (route.account, route.reason) == (GLM, "chosen account")


def test_an_alias_of_a_purpose_is_sent_by_its_real_name() -> None:
    route = choose("a.pdf", 100, Wish(purpose="assistants"), [KIMI], TABLE)
    assert route.purpose.name == "file-extract"


def test_another_company_is_asked_for_and_named_before_it_gets_a_file() -> None:
    only_kimi_takes_videos = ("a.webm", 100, Wish(account="my glm"))
    with pytest.raises(AppError, match=r"my glm: .*my kimi would accept it") as caught:
        choose(*only_kimi_takes_videos, [KIMI, GLM], TABLE)
    assert caught.value.code is ErrorCode.CONSENT_NEEDED


def test_with_consent_the_reason_says_who_refused_and_why() -> None:
    wish = Wish(account="my glm", allow_fallback=True)
    route = choose("a.webm", 100, wish, [KIMI, GLM], TABLE)
    assert route.account == KIMI
    assert route.reason.startswith("fallback allowed; my glm: ")
    assert ".webm" in route.reason


def test_another_region_of_the_same_company_needs_consent_too() -> None:
    nowhere = _account("old", "kimi", "closed region", order=0)
    assert _code("a.pdf", 1, Wish(purpose="agent"), nowhere, GLM) is ErrorCode.CONSENT_NEEDED


REFUSAL = AppError(ErrorCode.CONTENT_REFUSED, "not with us")


def test_what_a_provider_refused_goes_to_the_next_only_with_consent() -> None:
    refused = {"my kimi": REFUSAL}
    with pytest.raises(AppError, match=r"my kimi: not with us\. my glm would accept it") as caught:
        choose("a.pdf", 1, Wish(), [KIMI, GLM], TABLE, refused)
    assert caught.value.code is ErrorCode.CONSENT_NEEDED
    route = choose("a.pdf", 1, Wish(allow_fallback=True), [KIMI, GLM], TABLE, refused)
    assert (route.account, route.reason) == (GLM, "fallback allowed; my kimi: not with us")


def test_when_all_have_refused_the_first_refusal_stands() -> None:
    refused = {"my kimi": REFUSAL, "my glm": AppError(ErrorCode.PROVIDER_REJECTED, "nor with us")}
    with pytest.raises(AppError) as caught:
        choose("a.pdf", 1, Wish(allow_fallback=True), [KIMI, GLM], TABLE, refused)
    assert caught.value is REFUSAL


def test_a_second_account_at_the_same_place_needs_no_consent_unless_one_was_named() -> None:
    second = _account("second", "kimi", "intl", order=5)
    accounts, refused = [KIMI, second], {"my kimi": REFUSAL}
    route = choose("a.pdf", 1, Wish(), accounts, TABLE, refused)
    assert (route.account, route.reason) == (second, "same provider; my kimi: not with us")
    with pytest.raises(AppError) as caught:
        choose("a.pdf", 1, Wish(account="my kimi"), accounts, TABLE, refused)
    assert caught.value.code is ErrorCode.CONSENT_NEEDED


def test_a_server_at_another_address_is_not_the_same_place() -> None:
    elsewhere = replace(KIMI, name="own", order=5, base_url="https://someone.example/v1")
    with pytest.raises(AppError) as caught:
        choose("a.pdf", 1, Wish(), [KIMI, elsewhere], TABLE, {"my kimi": REFUSAL})
    assert caught.value.code is ErrorCode.CONSENT_NEEDED


def test_when_nobody_takes_it_the_preferred_account_s_refusal_counts() -> None:
    assert _code("a.exe", 1, Wish(), KIMI, GLM) is ErrorCode.INVALID_FILE_TYPE
    assert _code("a.pdf", 600 * MIB, Wish(), KIMI, GLM) is ErrorCode.FILE_TOO_LARGE
    assert _code("a.pdf", 1, Wish(purpose="nonsense"), KIMI, GLM) is ErrorCode.INVALID_PURPOSE


def test_an_account_of_an_unknown_provider_takes_nothing_and_says_so() -> None:
    stranger = _account("old", "nobody", "x")
    assert _code("a.pdf", 1, Wish(), stranger) is ErrorCode.INVALID_ACCOUNT
    route = choose("a.pdf", 1, Wish(allow_fallback=True), [stranger, GLM], TABLE)
    assert "unknown provider nobody" in route.reason


def test_without_an_account_or_with_a_disabled_one_nothing_is_chosen() -> None:
    disabled = _account("off", "kimi", "intl", enabled=False)
    assert _code("a.pdf", 1, Wish()) is ErrorCode.NO_ACCOUNT
    assert _code("a.pdf", 1, Wish(), disabled) is ErrorCode.NO_ACCOUNT
    assert _code("a.pdf", 1, Wish(account="off"), disabled, GLM) is ErrorCode.UNKNOWN_ACCOUNT


# -- accounts that are paused after failures

PAUSED = {"my kimi": "paused after TIMEOUT"}


def test_a_paused_account_is_passed_over_only_for_one_that_may_have_the_file() -> None:
    accounts, second = (KIMI, GLM), replace(KIMI, name="second kimi", order=1)
    route = choose("a.pdf", 10, Wish(), accounts, TABLE, paused=PAUSED)
    assert (route.account, route.reason) == (KIMI, "waiting for my kimi: paused after TIMEOUT")
    route = choose("a.pdf", 10, Wish(allow_fallback=True), accounts, TABLE, paused=PAUSED)
    assert (route.account, route.reason) == (
        GLM,
        "fallback allowed; my kimi: paused after TIMEOUT",
    )
    route = choose("a.pdf", 10, Wish(), (KIMI, second), TABLE, paused=PAUSED)
    assert route.account == second
    route = choose("a.pdf", 10, Wish("my kimi"), (KIMI, second), TABLE, paused=PAUSED)
    assert route.account == KIMI


def test_when_all_are_paused_the_first_is_waited_for() -> None:
    paused = PAUSED | {"my glm": "left alone"}
    route = choose("a.pdf", 10, Wish(allow_fallback=True), (KIMI, GLM), TABLE, paused=paused)
    assert route.account == KIMI


def test_of_two_that_would_take_a_refused_file_the_one_that_works_is_taken() -> None:
    third = replace(GLM, name="third", order=3)
    wish, refused = Wish(allow_fallback=True), {"my kimi": AppError(ErrorCode.NO_TEXT)}
    accounts, paused = (KIMI, GLM, third), {"my glm": "left alone"}
    route = choose("a.pdf", 10, wish, accounts, TABLE, refused, paused)
    assert route.account == third
    route = choose("a.pdf", 10, wish, (KIMI, GLM), TABLE, refused, paused)
    assert route.account == GLM
