"""What can go wrong with the accounts database, for operators; the packages' peers never see it."""

from __future__ import annotations


class AccountsError(Exception):
    """One sentence: what was asked cannot be done, why, and what to do."""


class AwayError(AccountsError):
    """The whole database cannot be asked just now, and not only what was asked of it."""


class TakenError(AccountsError):
    """A value that only one account may have is another one's."""
