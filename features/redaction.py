"""What may be shown of a database URL: everything but its password.

A message, a log, a run's files and MLflow get `shown`; what a driver says goes through `redacted`,
since it may quote the URL it was given.
"""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, unquote_plus

HIDDEN = "…"
_HOST = r"(?:\[[0-9a-fA-F:.%]*\]|[^\[\]:/?#@,]*)(?::\d*)?"
_URL = re.compile(
    rf"(?P<scheme>[a-zA-Z][\w+.-]*)://"
    rf"(?:(?P<user>[^:/?#@]*)(?::(?P<password>[^/?#@]*))?@)?"
    rf"(?P<place>{_HOST}(?:,{_HOST})*(?:/[^?#@]*)?)"
    rf"(?:\?(?P<query>[^@#]*))?"
)
_ANY_URL = re.compile(r"\b(?!duckdb:|sqlite:)[a-zA-Z][\w+.-]*://\S*")
_SECRET = ("pass", "secret", "key", "token")


def shown(location: str) -> str:
    """A location without its password; a folder or a file stays as it is.

    Only what is certainly no password is shown: of a URL that cannot be taken apart (an unescaped
    ``/`` or ``@`` in its password, a port that is no number) nothing is left but its scheme.
    """
    scheme, separator, _ = location.partition("://")
    if not separator or scheme in ("duckdb", "sqlite"):
        return location
    parts = _URL.fullmatch(location)
    if not parts:
        return f"{scheme}://{HIDDEN}" if re.fullmatch(r"[\w+.-]+", scheme) else HIDDEN
    user = "" if parts["user"] is None else f"{parts['user']}@"
    query = "" if parts["query"] is None else "?" + "&".join(_settings(parts["query"]))
    return f"{scheme}://{user}{parts['place']}{query}"


def _settings(query: str) -> list[str]:
    """The settings of a query, those that may be secret without their value."""
    pairs = [setting.partition("=") for setting in query.split("&")]
    return [
        f"{name}={HIDDEN if _is_secret(name) else value}" if equals else HIDDEN
        for name, equals, value in pairs
    ]


def _is_secret(name: str) -> bool:
    return any(part in unquote(name).lower() for part in _SECRET)


def hidden_in(text: str) -> str:
    """A text in which every URL is shown without its password."""
    return _ANY_URL.sub(lambda found: shown(found[0]), text)


def redacted(text: str, location: str) -> str:
    """What a driver said about a location, without the passwords that were given to it.

    Nothing of it is told where the URL cannot be taken apart: the driver then quotes any part.
    """
    parts = _URL.fullmatch(location)
    if not parts:
        return shown(location)
    text = text.replace(location, shown(location))
    for secret in _secrets(parts):
        text = text.replace(secret, HIDDEN)
    return text


def _secrets(parts: re.Match[str]) -> list[str]:
    """The passwords of a URL and of the environment, as written and as meant; longest first."""
    given = [parts["password"] or "", os.environ.get("PGPASSWORD", "")]
    for setting in (parts["query"] or "").split("&"):
        name, equals, value = setting.partition("=")
        # A setting without a value may be a password that holds an unescaped "&".
        given.append(value if equals and _is_secret(name) else "" if equals else name)
    meant = [*map(unquote, given), *map(unquote_plus, given)]
    return sorted({secret for secret in [*given, *meant] if secret}, key=len, reverse=True)
