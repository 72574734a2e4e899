"""Names of Kubernetes objects as parts of a URL path."""

from cluster.errors import ClusterRefused


def path_segment(name: str) -> str:
    """The name itself, if it can stand in a path without becoming another path.

    These are the API server's own rules for path segments; it never sees such a name, because
    the path would name another object. Raises ClusterRefused.
    """
    if name in {"", ".", ".."} or "/" in name or "%" in name:
        raise ClusterRefused(422, f"{name!r} is not a name that Kubernetes accepts.")
    return name
