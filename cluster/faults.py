"""Turns everything that a call to an API server may raise or answer into our errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from pydantic import ValidationError

from cluster.answers import Failure
from cluster.errors import ClusterError, ClusterRefused, ClusterUnavailable

# Client errors that say nothing about the request itself: our credentials, or the time.
_NOT_THE_REQUEST = frozenset({401, 408, 410, 425, 429})


@contextmanager
def explained(cluster: str) -> Iterator[None]:
    """Whatever is raised inside leaves as a `ClusterError` that names the cluster."""
    try:
        yield
    except ClusterError:
        raise
    except TimeoutError as error:
        raise ClusterUnavailable(f"Cluster {cluster!r} does not answer in time.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ClusterUnavailable(f"Cluster {cluster!r} cannot be reached.") from error
    # Beside malformed answers: credential plugins of the client raise whatever they like.
    except Exception as error:
        raise ClusterUnavailable(
            f"Cluster {cluster!r} gave an answer that cannot be read ({type(error).__name__})."
        ) from error


def fault(cluster: str, status: int, body: bytes) -> ClusterError:
    """The error that an answer with this HTTP status (300 or above) stands for."""
    if 400 <= status < 500 and status not in _NOT_THE_REQUEST:
        return ClusterRefused(status, _server_words(body) or f"Refused with HTTP status {status}.")
    if status == 401:
        return ClusterUnavailable(f"Cluster {cluster!r} does not accept the portal's credentials.")
    return ClusterUnavailable(f"Cluster {cluster!r} answers with HTTP status {status}.")


def _server_words(body: bytes) -> str | None:
    try:
        return Failure.model_validate_json(body).message
    except ValidationError:
        return None
