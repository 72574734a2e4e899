"""Two servers on one database count the same attempts."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

import httpx2
import pytest

from tests.live.processes import kubeportal, serving

pytestmark = pytest.mark.database

SECRET = "a secret of tests which is long enough"


def login(address: str, password: str, client: str) -> httpx2.Response:
    return httpx2.post(
        f"{address}/api/v1.4.0/login/",
        json={"username": "alice", "password": password},
        headers={"X-Forwarded-For": client},
        timeout=60,
    )


async def test_sr39_replicas_share_attempt_counts(database_url: str, tmp_path: Path) -> None:
    variables = {
        "KUBEPORTAL_DATABASE_URL": database_url,
        "KUBEPORTAL_SECRET_KEY": SECRET,
        "KUBEPORTAL_TRUSTED_PROXIES": "127.0.0.0/8",
    }
    create = ("user", "create", "alice", "--password-stdin")
    made = kubeportal(*create, folder=tmp_path, stdin="correct horse\n", **variables)
    assert made.returncode == 0, made.stderr
    with ExitStack() as stack, ThreadPoolExecutor(26) as executor:
        addresses = [stack.enter_context(serving(folder=tmp_path, **variables)) for _ in range(2)]
        assert login(addresses[0], "correct horse", "192.0.2.7").status_code == 200
        clients = [f"198.18.0.{number}" for number in range(1, 27)]
        statuses = executor.map(
            lambda pair: login(pair[0], "wrong", pair[1]).status_code,
            zip(cycle(addresses), clients, strict=False),
        )
        assert Counter(statuses) == {400: 20, 429: 6}
        for address in addresses:
            refused = login(address, "correct horse", "203.0.113.5")
            assert refused.status_code == 429
            assert 800 < int(refused.headers["retry-after"]) <= 900
            assert login(address, "correct horse", "192.0.2.7").status_code == 200
