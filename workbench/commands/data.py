"""``workbench data``: describe datasets, check their files, get them, tidy what was prepared."""

import json
from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.options import BAD_DATA, DataDir
from workbench.errors import WorkbenchError, printable

data = typer.Typer(
    help="Dataset descriptions: list them, draft one from files, check files, download sources.",
    no_args_is_help=True,
)


@data.command("list")
def data_list(data_dir: DataDir = None) -> None:
    """List the datasets that the workbench can describe, and whether their files are here."""
    from workbench.data.open_card import list_cards, list_datasets, open_card
    from workbench.printing import print_cards

    names = list_datasets(data_dir)
    print_cards([open_card(name, data_dir) for name in names])
    for collection in sorted(set(list_cards()) - {name.partition(":")[0] for name in names}):
        typer.echo(f"{collection}: a collection; none of its members is here")


@data.command("new")
def data_new(
    files: Annotated[list[Path], typer.Argument(help="Tables, and folders of images.")],
    name: Annotated[str, typer.Option(help="Name of the dataset: letters, digits, underscore.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Card file to write; default beside the files.")
    ] = None,
) -> None:
    """Draft a dataset description from files; every guess is marked for you to confirm."""
    from workbench.data.draft import draft_card, draft_folder
    from workbench.data.fingerprint import write_atomically

    text = draft_card(files, name)
    target = out or draft_folder(files) / f"{name}.md"
    if target.exists():
        raise WorkbenchError(f"{target} exists already: choose another file with --out")
    write_atomically(target, text.encode())
    typer.echo(f"{target}\nRead it, confirm what is marked, then: workbench data check {target}")


@data.command("check")
def data_check(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Name of a dataset, or card file.")],
    data_dir: DataDir = None,
) -> None:
    """Check files against their description, one line a problem."""
    from workbench.cohort.privacy.card_anonymity import anonymity_problems, card_anonymity
    from workbench.data.check import check_card
    from workbench.data.open_card import open_card
    from workbench.printing import print_anonymity

    opened = open_card(card, data_dir)
    problems = check_card(opened)
    n_errors = sum(problem.level == "error" for problem in problems)
    anonymity = None if n_errors else card_anonymity(opened)
    if anonymity is not None:
        problems += anonymity_problems(anonymity)
    for problem in problems:
        typer.echo(printable(str(problem)))
    if anonymity is not None:
        print_anonymity(anonymity)
    typer.echo(f"{n_errors} errors, {len(problems) - n_errors} warnings")
    if n_errors:
        raise typer.Exit(BAD_DATA)


@data.command("get")
def data_get(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Name of a dataset, or card file.")],
    data_dir: DataDir = None,
    jobs: Annotated[int, typer.Option(min=1, max=16, help="Parallel downloads.")] = 4,
) -> None:
    """Download a dataset's pinned sources, verify their hashes, and prepare them."""
    from workbench.data.download import get
    from workbench.data.open_card import open_card

    folder = get(open_card(card, data_dir), data_dir, jobs=jobs)
    typer.echo(f"{card} is in {folder}")


@data.command("croissant")
def data_croissant(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Name of a dataset, or card file.")],
    out: Annotated[Path, typer.Option("--out", help="JSON file to write; must not exist.")],
    data_dir: DataDir = None,
) -> None:
    """Write a dataset description as Croissant JSON-LD, for catalogues and other tools."""
    from workbench.data.croissant import croissant
    from workbench.data.fingerprint import write_atomically
    from workbench.data.open_card import open_card

    if out.exists():
        raise WorkbenchError(f"{out} exists already: choose another file with --out")
    described = croissant(open_card(card, data_dir))
    text = json.dumps(described, indent=1, sort_keys=True, ensure_ascii=False)
    write_atomically(out, f"{text}\n".encode())
    typer.echo(f"{out}")


@data.command("cache")
def data_cache(
    prune: Annotated[bool, typer.Option("--prune", help="Delete what the options name.")] = False,
    older_than: Annotated[
        float | None, typer.Option(min=0, help="Days since it was used, to be deleted.")
    ] = None,
    at_most: Annotated[
        float | None, typer.Option(min=0, help="Gigabytes to keep; the oldest goes first.")
    ] = None,
) -> None:
    """List prepared files of sources, with size and age, or delete some: they are made again.

    Example: `workbench data cache --prune --older-than 30`
    """
    from workbench.data.prepared import list_prepared, prune_prepared
    from workbench.printing import print_prepared

    if prune != (older_than is not None or at_most is not None):
        raise typer.BadParameter("--prune goes with --older-than DAYS, --at-most GB, or both")
    if not prune:
        print_prepared(list_prepared())
        return
    n_bytes = None if at_most is None else int(at_most * 1e9)
    gone = prune_prepared(older_than_days=older_than, at_most_bytes=n_bytes)
    freed = sum(each.n_bytes for each in gone) / 1e6
    typer.echo(f"deleted {len(gone)}, {freed:.1f} MB")


@data.command("released")
def data_released(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Name of a dataset, or card file.")],
    data_dir: DataDir = None,
) -> None:
    """List what was shown of a restricted dataset, which limits what more may be shown."""
    from workbench.cohort.privacy import card_log
    from workbench.data.open_card import open_card

    log = card_log(open_card(card, data_dir))
    surfaces = log.surfaces()
    for day, words in surfaces:
        typer.echo(printable(f"{day}  {words}"))
    where = f"; the log is {log.folder}: delete it only if none of them left the room"
    typer.echo(f"{len(surfaces)} are remembered{where if surfaces else ''}")
