"""Passwords and keys never leave the place where a user wrote them: all else gets this form."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

HIDDEN = "***"
# user:password in front of a host, and the values behind an address' question mark, such as tokens.
IN_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/\s@'\"]*@")
IN_QUERY = re.compile(r"(?P<address>[A-Za-z][A-Za-z0-9+.-]*://[^\s?'\"]*\?)[^\s'\",}\]]+")
# Names of options and settings whose value is a secret.
NAME = r"[\w.-]*(?:secret|password|passwd|token|credential|access[_-]?key|api[_-]?key)[\w.-]*"
ASSIGNED = re.compile(
    rf"(?P<name>(?<![\w]){NAME}['\"]?\s*[=:]\s*)(?P<value>[^\s,}}\]]+)", re.IGNORECASE
)
OPTION = re.compile(rf"--{NAME}", re.IGNORECASE)


def hide_secrets(value: Any) -> Any:
    """Return text, or anything made of texts, with the secrets in it replaced by asterisks.

    Hidden are what stands between ``://`` and ``@`` in an address and behind its question mark,
    and what is assigned to a name such as ``secret_key``, ``password`` or ``token``.
    """
    if isinstance(value, str):
        shown = IN_ADDRESS.sub(rf"\g<scheme>{HIDDEN}@", value)
        shown = IN_QUERY.sub(rf"\g<address>{HIDDEN}", shown)
        return ASSIGNED.sub(rf"\g<name>{HIDDEN}", shown)
    if isinstance(value, Mapping):
        return {key: hide_secrets(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(hide_secrets, value))
    return value


def hide_in_command(words: Sequence[str]) -> list[str]:
    """Return the words of a command, with the values of options such as ``--secret-key`` hidden."""
    shown, is_secret = [], False
    for word in words:
        shown.append(HIDDEN if is_secret else hide_secrets(word))
        is_secret = OPTION.fullmatch(word) is not None
    return shown
