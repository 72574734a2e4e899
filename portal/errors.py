"""Errors that end a command with one line instead of a traceback."""


class OperatorError(Exception):
    """A mistake of the operator, or a fault of their systems; the message says what to do.

    Every command ends with it as one line on standard error and exit code 1.
    """
