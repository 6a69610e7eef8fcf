"""``workbench records``: health records in the formats hospitals keep them in."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.options import text_of


def records(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="OMOP, MEDS, FHIR or cBioPortal: a folder or file."),
    ],
    kind: Annotated[
        str | None, typer.Option(help="omop, meds, fhir or cbioportal; told by the files.")
    ] = None,
    definition: Annotated[
        Path | None,
        typer.Option("--definition", help="A cohort definition (JSON): show whom it finds."),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out rows that cannot be used, and say so.")
    ] = False,
) -> None:
    """Show what health records hold, or whom a cohort definition finds in them.

    Example: `workbench records cdm/ --definition diabetes.json`
    """
    from workbench.cohort.record_cohort import build_cohort
    from workbench.cohort.record_definition import RecordDefinition
    from workbench.data.sources.open_records import as_format, open_records
    from workbench.printing import print_record_cohort, print_records

    asked = None
    if definition is not None:
        asked = RecordDefinition.from_json(text_of(definition))
    found = open_records(path, kind=as_format(kind), skip_bad=skip_bad)
    if asked is None:
        print_records(found)
    else:
        print_record_cohort(build_cohort(found, asked))
