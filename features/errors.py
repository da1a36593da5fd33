"""What can be wrong with a user's input, as exceptions that carry a readable message.

The command line shows these without a traceback and ends with their exit status. Anything else
that is raised is a fault of ours and keeps its traceback.
"""

from __future__ import annotations


class UserError(Exception):
    """A mistake in what the user gave us, told in full: what, where, the value, the fix.

    Parameters
    ----------
    what
        One sentence: what is wrong.
    where
        The file, key, table or column in which it is wrong.
    value
        The offending value or a few examples of it.
    allowed
        What would have been right.
    fix
        What to do or type next.
    """

    exit_status = 2

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        value: object = None,
        allowed: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.value = value
        self.allowed = allowed
        self.fix = fix

    def __str__(self) -> str:
        details = {
            "where": self.where,
            "value": None if self.value is None else str(self.value),
            "allowed": self.allowed,
            "fix": self.fix,
        }
        lines = [f"  {name:<8} {text}" for name, text in details.items() if text]
        return "\n".join([self.what, *lines])


class UsageError(UserError):
    """Wrong usage or config: exit status 2."""

    exit_status = 2


class ContractBroken(UserError):
    """The data break the contract of the input tables: exit status 3."""

    exit_status = 3


class TooLittleData(UserError):
    """Not enough history, customers or churners for what was asked: exit status 4."""

    exit_status = 4
