"""Sex as sources write it → one set of words."""

import pandas as pd

from workbench.data.records import ColumnFacts

SEXES = ("female", "male", "other")
SEX_FACTS = ColumnFacts("categorical", "sex or gender, as the source records it")
_WORDS = {
    **dict.fromkeys(("f", "female", "w", "woman"), "female"),
    **dict.fromkeys(("m", "male", "man"), "male"),
    **dict.fromkeys(("o", "other", "nonbinary", "non-binary"), "other"),
}


def sex_word(written: str) -> str | None:
    """``female``, ``male`` or ``other``; None where it is unknown or no such word."""
    return _WORDS.get(written.strip().lower())


def sex_column(words: pd.Series) -> pd.Series:
    """Words of :func:`sex_word` as a categorical column with all levels."""
    return pd.Series(pd.Categorical(words, categories=list(SEXES)), index=words.index)
