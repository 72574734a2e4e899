from __future__ import annotations

import os


def reason(error: OSError) -> str:
    """Why something failed, in the words of the system alone.

    Python and asyncio add addresses and paths to them, written as in a program.
    """
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or "no answer"
