from __future__ import annotations

from typing import Annotated

import strawberry

DatabaseId = Annotated[
    int, strawberry.argument(description="The integer id, as in the paths of REST.")
]
ClusterName = Annotated[
    str | None,
    strawberry.argument(description="The cluster's name; without one, the default cluster."),
]
