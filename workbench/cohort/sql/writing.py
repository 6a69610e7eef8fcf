"""The parts of one statement: common table expressions, numbered, each written once."""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import CTE
from sqlalchemy.sql import Select

from workbench.cohort.sql.source import Source


class Writing:
    """One statement in the making.

    Names of its parts are a word and a number: nothing of a definition enters them.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._written: dict[str, CTE] = {}
        self._n_named: dict[str, int] = {}

    def part(self, name: str, key: Any, write: Callable[[], Select]) -> CTE:
        """A part of the statement, written unless it is there already.

        Parameters
        ----------
        name
            A word for it.
        key
            What it depends on, JSON-ready: equal keys are one part.
        write
            Its SELECT.
        """
        known = json.dumps([name, key], sort_keys=True)
        if known not in self._written:
            statement = write()
            self._n_named[name] = self._n_named.get(name, 0) + 1
            self._written[known] = statement.cte(f"{name}_{self._n_named[name]}")
        return self._written[known]
