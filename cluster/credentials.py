"""The portal's own credentials, where a kubeconfig lets them expire."""

import time
from collections.abc import Callable

from kubernetes.aio.client import Configuration
from kubernetes.aio.config.kube_config import KubeConfigLoader

_SECONDS_BETWEEN = 60


class Renewal:
    """Called before each request: reads token files and asks exec plugins again, once a minute.

    `clock` gives seconds. Raises whatever the files or the plugin raise.
    """

    def __init__(
        self, loader: KubeConfigLoader, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._loader = loader
        self._clock = clock
        self._due = clock() + _SECONDS_BETWEEN

    async def __call__(self, configuration: Configuration) -> None:
        if self._clock() < self._due:
            return
        self._due = self._clock() + _SECONDS_BETWEEN
        await self._loader.load_and_set(configuration)
