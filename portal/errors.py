"""Errors that end a command with a line per mistake instead of a traceback."""


class OperatorError(Exception):
    """Mistakes of the operator, or a fault of their systems; the messages say what to do.

    Every command ends with each of them as one line on standard error, and with exit code 1.
    """

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes
