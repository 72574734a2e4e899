"""What can go wrong between the portal and a cluster."""


class ClusterError(Exception):
    """A cluster did not do what was asked; the message is safe to show to a user."""


class ClusterUnavailable(ClusterError):
    """The cluster cannot be reached, is too slow, or misbehaves; trying later may help."""


class ClusterRefused(ClusterError):
    """The cluster answered and said no, in words; trying the same again will not help.

    `status` is the HTTP status of the answer: 403, 404, 422, ….
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ClusterConfigError(ClusterError):
    """The configuration of the clusters cannot be used; the message says what to do."""
