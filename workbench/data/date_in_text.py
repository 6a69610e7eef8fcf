"""Days and months as people write them, wherever they stand in a text."""

import re
import unicodedata

# Names of months in English, German, French, Spanish, Italian, Portuguese and Dutch.
_WHOLE = (
    "january|february|march|april|june|july|august|september|october|november|december"
    "|januar|jänner|februar|märz|juni|juli|oktober|dezember"
    "|janvier|f[ée]vrier|avril|juin|juillet|ao[ûu]t|septembre|octobre|novembre|d[ée]cembre"
    "|enero|febrero|marzo|abril|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre"
    "|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre"
    "|janeiro|fevereiro|mar[çc]o|maio|junho|julho|setembro|outubro|novembro|dezembro"
    "|januari|februari|maart|augustus"
)
# Without a year, these are other words too.
_SHORT = (
    "may|mayo|mai|mei|mars|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|jän|mär|mrz|okt|dez"
    "|janv|févr|f[ée]v|avr|juil|déc|ene|abr|ago|set|dic|gen|mag|giu|lug|ott|out|mrt"
)


def _name(names: str) -> str:
    return rf"(?<![^\W\d_])(?:{names})(?![^\W\d_])\.?"


_MONTH, _WHOLE_MONTH = _name(f"{_WHOLE}|{_SHORT}"), _name(_WHOLE)
_YEAR, _CENTURY = r"(?:1[89]|20)\d\d", r"(?:19|20)\d\d"
_DAY, _2_MONTH, _2_DAY = r"\d{1,2}", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"[012]\d[0-5]\d(?:[0-5]\d)?"
_GAP = r"[-./,_ ]{0,2}"
_OF, _DE = rf"(?:{_GAP}\b(?:of|de)\b)?{_GAP}", rf"(?:{_GAP}\bde\b)?{_GAP}"

_DATE = re.compile(
    rf"""
    (?<!\d)(?:
        {_YEAR}[-/.]{_DAY}[-/.]{_DAY} | {_DAY}[-/.]{_DAY}[-/.]{_YEAR}   # 2019-03-12, 12.3.2019
      | {_YEAR}[_ ]{_2_MONTH}[_ ]{_2_DAY}                               # 2019_03_12
      | {_2_DAY}[_ ]{_2_MONTH}[_ ]{_YEAR}                               # 12 03 2019
      | (?<!\d[-/.]){_2_DAY}([-/.]){_2_MONTH}\1\d\d(?![-/.]\d)          # 12.03.19
      | (?<!\d/){_2_MONTH}/{_2_DAY}/\d\d(?!/\d)                         # 03/12/19
      | {_CENTURY}{_2_MONTH}{_2_DAY}(?:{_CLOCK})?                       # 20190312, with a time
      | {_2_DAY}{_2_MONTH}{_CENTURY}                                    # 12032019
      | (?<!\d/)(?:0?[1-9]|1[0-2])/{_CENTURY}                           # 3/2019
      | {_DAY}(?:st|nd|rd|th|er)?{_OF}{_WHOLE_MONTH}                    # 12th of March
      | {_DAY}{_OF}{_MONTH}{_DE}(?:{_YEAR}|'?\d\d)                      # 12-MAR-19
    )(?!\d)
  | (?<!\d){_CENTURY}{_GAP}{_MONTH}                                     # 2019-Mar-12
  | {_WHOLE_MONTH}[-./,_ ]{{1,2}}{_DAY}(?:st|nd|rd|th)?(?![\d%])        # March 12th
  | {_MONTH}(?:{_GAP}{_DAY}(?:st|nd|rd|th)?)?{_DE}{_CENTURY}(?!\d)      # Mar 12, 2019; Mar 2019
    """,
    re.VERBOSE | re.IGNORECASE,
)


def holds_date(text: str) -> bool:
    """Whether what looks like a day, or a month of a year, stands in a text.

    What looks like one by accident is taken for one too: a text too many is dropped, where a true
    date beside a moved one would tell by what all were moved.

    Examples
    --------
    >>> [holds_date(t) for t in ("GTV 2019-03-12", "T1_20190312", "am 12. März", "12MAR19")]
    [True, True, True, True]
    >>> [holds_date(t) for t in ("syngo MR 29.1.2", "20191399", "lesion 1 may grow", "3 marks")]
    [False, False, False, False]
    """
    # An umlaut may be a letter and a mark, a digit as wide as a letter of Japanese.
    return _DATE.search(unicodedata.normalize("NFKC", text)) is not None
