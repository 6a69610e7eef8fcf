"""Brushing a million patients in linked views: an index in the kernel, with no browser.

Build the index once, keep what is asked as :class:`Brushes`, and show only what
:class:`Display` lets out:

>>> import pandas as pd
>>> frame = pd.DataFrame({"age": range(30, 90), "sex": ["f", "m", "m"] * 20})
>>> index = crossfilter(frame)
>>> drag = take_up(select(index, Brushes()), "age")
>>> drag.move(Range("age", 40, 60)).selected["sex"].tolist()
[14, 6, 0]
>>> chosen = select(index, Brushes().with_clause("age", Range("age", 40, 61)))
>>> chosen.mask.sum().tolist(), Display(index).selection(chosen).views["sex"].selected
(21, (None, None, 0))
"""

from workbench.cohort.crossfilter.bins import Dimension, LevelBins, PatternBins, RangeBins
from workbench.cohort.crossfilter.brushes import Brushes
from workbench.cohort.crossfilter.clause_json import parse_clause
from workbench.cohort.crossfilter.clauses import (
    Clause,
    Levels,
    Modalities,
    OtherModalities,
    OtherThan,
    Presence,
    Range,
)
from workbench.cohort.crossfilter.cover import clause_of, cover
from workbench.cohort.crossfilter.drag import Drag, take_up
from workbench.cohort.crossfilter.index import CrossFilter, crossfilter
from workbench.cohort.crossfilter.outcome import BinnedCurve
from workbench.cohort.crossfilter.picture import Shown, ShownCurve, ShownView
from workbench.cohort.crossfilter.rules import rule, rules
from workbench.cohort.crossfilter.selection import Counts, Selection, select
from workbench.cohort.crossfilter.shown import Display

__all__ = [
    "BinnedCurve",
    "Brushes",
    "Clause",
    "Counts",
    "CrossFilter",
    "Dimension",
    "Display",
    "Drag",
    "LevelBins",
    "Levels",
    "Modalities",
    "OtherModalities",
    "OtherThan",
    "PatternBins",
    "Presence",
    "Range",
    "RangeBins",
    "Selection",
    "Shown",
    "ShownCurve",
    "ShownView",
    "clause_of",
    "cover",
    "crossfilter",
    "parse_clause",
    "rule",
    "rules",
    "select",
    "take_up",
]
