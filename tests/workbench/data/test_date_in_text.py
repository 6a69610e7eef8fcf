"""A true day beside a moved one tells by what all were moved."""

import pytest

from workbench.data.date_in_text import holds_date


@pytest.mark.parametrize(
    "text",
    [
        "GTV 2019-03-12",
        "2019-03-12T10:00",
        "T1_20190312",
        "12032019",
        "Kontrolle 12.3.2019",
        "12.03.19",
        "03/12/19",
        "seen 3/2019",
        "scan_2019_03_12",
        "12 03 2019",
        "20190312101500",
        "201903121015",
        "2019-Mar-12",
        "2019Mar12",
        "Ma\u0308rz 2019",
        "\uff12\uff10\uff11\uff19-03-12",
        "12-MAR-2019",
        "12-MAR-19",
        "12MAR19",
        "March 12, 2019",
        "March 12th",
        "seen 4th of July",
        "Kontrolle am 12. März",
        "1er février 2018",
        "12 de marzo de 2019",
        "maart 2019",
        "DEZ/2019",
        "scan_nov_2019",
        "Sept. 2014",
        "5 May 2019",
    ],
)
def test_days_and_months_are_seen_however_people_write_them(text: str) -> None:
    assert holds_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "syngo MR 29.1.2",
        "VB17.04.011",
        "Model 12.03.19.4",
        "1.2.840.10008.5.1.4",
        "20191399",
        "201903129915",
        "4 03 2019",
        "2000 iterations",
        "1.2034",
        "MARCH1 and SEPT2",
        "lesion 1 may grow",
        "3 marks",
        "1 out of 20",
        "12 decades",
        "10-2000 Hz",
        "augmented 3",
        "junior 12",
    ],
)
def test_versions_genes_and_words_are_no_dates(text: str) -> None:
    assert not holds_date(text)
