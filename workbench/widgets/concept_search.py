"""Events found by name or code, with how many there are, those of concepts below among them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from workbench.data.events import FIXED_NAMES
from workbench.data.records import Records

MOST = 12
_FIXED = {code: name.capitalize() for code, name in FIXED_NAMES.items()}


@dataclass(frozen=True, eq=False)
class ConceptSearch:
    """The codes of records, and the concepts that codes lie under.

    Parameters
    ----------
    records
        Where events are.
    """

    records: Records

    @cached_property
    def table(self) -> pd.DataFrame:
        """Index ``code``; ``name``, ``domain``, ``n_events`` and ``n_below``, most events first.

        ``n_below`` counts the events of the code and of all that lies under it.
        """
        counts = self.records.events.code_counts()
        own = pd.DataFrame(
            {"n_events": counts.to_numpy(int)}, index=pd.Index(counts.index, name="code")
        )
        own["domain"], own["concept"] = _split(own.index)
        vocabulary = self.records.vocabulary
        own["n_below"] = own["n_events"]
        if vocabulary is not None:
            own = _with_parents(own, vocabulary.ancestors)
        names = {**_FIXED, **({} if vocabulary is None else vocabulary.names)}
        own["name"] = [names.get(concept, code) for code, concept in own["concept"].items()]
        return own.sort_values(["n_below", "n_events"], ascending=False, kind="stable")

    def find(self, text: str, chosen: Iterable[str] = ()) -> dict[str, str]:
        """Code → what a person reads: those chosen, then the most frequent that match.

        Parameters
        ----------
        text
            Words, each of which must stand in the name or the code; "" is the most frequent.
        chosen
            Codes that are offered in any case.
        """
        table = self.table
        matches = np.ones(len(table), bool)
        known = (table["name"] + " " + table.index.to_series()).str.lower()
        for word in text.lower().split():
            matches &= known.str.contains(word, regex=False).to_numpy()
        codes = [*chosen, *table.index[matches][:MOST]]
        return {code: self.label(code) for code in dict.fromkeys(codes)}

    def below(self, codes: Iterable[str], chosen: Iterable[str] = ()) -> dict[str, str]:
        """Concepts under some, with events: what can be taken out again."""
        vocabulary = self.records.vocabulary
        if vocabulary is None:
            return {}
        codes = list(codes)
        ids, domains = (
            {c.rpartition("//")[2] for c in codes},
            {c.rpartition("//")[0] for c in codes},
        )
        pairs = vocabulary.ancestors
        under = set(pairs["descendant"][pairs["ancestor"].isin(ids)]) - ids
        table = self.table
        inside = table["concept"].isin(under) & table["domain"].isin(domains)
        found = [*chosen, *table.index[inside][:MOST]]
        return {code: self.label(code) for code in dict.fromkeys(found)}

    def label(self, code: str) -> str:
        """Name, domain and how many events; small numbers are not told."""
        table = self.table
        if code not in table.index:
            return f"{code} (no events here)"
        line = table.loc[code]
        told = [f"{self._count(line['n_events'])} events"]
        if line["n_below"] != line["n_events"]:
            told.append(f"{self._count(line['n_below'])} with all below")
        return f"{line['name']} ({', '.join([*filter(None, [line['domain']]), *told])})"

    def _count(self, n: int) -> str:
        minimum = self.records.minimum_cell
        return f"fewer than {minimum}" if 0 < n < minimum else f"{n:,}"


def _split(codes: pd.Index) -> tuple[list[str], list[str]]:
    parts = [code.rpartition("//") for code in codes]
    return [domain for domain, _, _ in parts], [concept for _, _, concept in parts]


def _with_parents(own: pd.DataFrame, ancestors: pd.DataFrame) -> pd.DataFrame:
    """With the concepts that codes lie under, and the events below each."""
    apart = ancestors[ancestors["ancestor"] != ancestors["descendant"]]
    pairs = apart.merge(own, left_on="descendant", right_on="concept")
    below = pairs.groupby(["domain", "ancestor"], sort=True)["n_events"].sum().reset_index()
    below.index = pd.Index(below["domain"] + "//" + below["ancestor"], name="code")
    table = own.reindex(own.index.union(below.index, sort=False))
    table["domain"], table["concept"] = _split(table.index)
    table["n_events"] = table["n_events"].fillna(0).astype(int)
    added = below["n_events"].reindex(table.index).fillna(0).astype(int)
    table["n_below"] = table["n_events"] + added
    return table
