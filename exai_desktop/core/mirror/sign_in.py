"""Signing in without a password: by a link or a code that the project mails, or by a provider.

Such a sign-in is a try: begun, answered by the user somewhere else, and finished or given up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SignInWay(StrEnum):
    """How the user proves who he is."""

    LINK = "link"
    CODE = "code"
    OAUTH = "oauth"


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """`provider` for OAUTH, as the project names it: google, github. `email` for the others."""

    url: str
    key: str
    way: SignInWay
    email: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class SignInTry:
    """`browser_url` is to be opened in a browser on this computer; "" when a mail was sent."""

    id: str
    way: SignInWay
    # So long it waits for the user.
    waits_s: float
    browser_url: str = ""


def waiting_lines(found: SignInTry, email: str) -> list[str]:
    """For people: what they do now."""
    if found.way is SignInWay.CODE:
        return [f"The project has sent a message with a code to {email}."]
    minutes = f"Waiting for {found.waits_s / 60:.0f} minutes."
    if found.way is SignInWay.OAUTH:
        return [f"Sign in in the browser. {minutes}"]
    return [
        f"The project has sent a message with a link to {email}.",
        f"Open the link in a browser on this computer. {minutes}",
    ]
