from __future__ import annotations

import re

PARAMETER = re.compile(r"\{(\w+)(?:=(\w+))?\}")


class PathTemplate:
    """A path like `/users/{id}/` or `/cluster/{slug=k8s_version}/`, relative to the version."""

    def __init__(self, template: str) -> None:
        self.template = template
        found = PARAMETER.findall(template)
        self.variables = tuple(name for name, constant in found if not constant)
        self.constants = {name: constant for name, constant in found if constant}
        self._pattern = re.compile(
            PARAMETER.sub(
                _expression,
                re.escape(template).replace(r"\{", "{").replace(r"\}", "}").replace(r"\=", "="),
            )
        )

    @property
    def openapi(self) -> str:
        return PARAMETER.sub(r"{\1}", self.template)

    def match(self, path: str) -> dict[str, str] | None:
        """The texts of the variables; None when the path is another one."""
        found = self._pattern.fullmatch(path)
        return found.groupdict() if found else None


def _expression(parameter: re.Match[str]) -> str:
    name, constant = parameter.groups()
    return constant or f"(?P<{name}>[^/]+)"
