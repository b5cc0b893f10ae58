"""Errors that a person can do something about."""


class StepError(Exception):
    """A step cannot go on; says why, and what to do about it.

    The text is the cause, a newline, and the remedy: ftd shows them apart.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause + "\n" + remedy)
        self.cause = cause
        self.remedy = remedy


class DataError(StepError):
    """The data that was given is not what the step needs."""
