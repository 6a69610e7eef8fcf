"""``workbench images`` and ``workbench segment``: medical images as they come."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.options import BAD_DATA, DataDir, Out
from workbench.errors import WorkbenchError, printable

images = typer.Typer(
    help="Medical images: how they were taken, and copies without the patients.",
    no_args_is_help=True,
)


@images.command("facts")
def image_facts_of(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Name of a dataset, or card file.")],
    modality: Annotated[str, typer.Argument(help="Name of one of its modalities of images.")],
    out: Annotated[Path, typer.Option("--out", help="CSV file to write, one row a patient.")],
    data_dir: DataDir = None,
) -> None:
    """Write how each patient's images were taken: scanner, field strength, slice thickness, view.

    Name the file and its columns in the dataset description: they are characteristics then.
    """
    from workbench.data.fingerprint import write_atomically
    from workbench.data.imaging.facts import image_facts
    from workbench.data.open_card import open_card

    if out.exists():
        raise WorkbenchError(f"{out} exists already: choose another file with --out")
    table = image_facts(open_card(card, data_dir), modality)
    write_atomically(out, table.to_csv().encode())
    typer.echo(f"{out}: {len(table)} patients, {len(table.columns)} columns")


@images.command("deidentify")
def images_deidentify(
    folder: Annotated[Path, typer.Argument(metavar="IN", help="Folder of DICOM files.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the copies.")],
    key: Annotated[
        Path, typer.Option("--key", help="File of the secret key; made if it is not there.")
    ],
    accept: Annotated[
        list[str] | None,
        typer.Option(
            help="Write what else is withheld, once looked at: burned_in (pixels may show "
            "writing), faces (heads whose face was removed, and what is no head). Photographs of "
            "a slide's label are never written."
        ),
    ] = None,
) -> None:
    """Copy DICOM files without what names the patients, by PS3.15's basic profile.

    Dates move, UIDs are replaced alike in all files. What cannot be made safe is withheld and
    counted. OUT/audit.csv says what was done to which data element.
    """
    from workbench.data.deidentify import DateShift
    from workbench.data.deidentify_dicom import deidentify_images
    from workbench.data.secret_key import make_key, read_key

    secret = read_key(key) if key.exists() else make_key(key, outside=[folder, out])
    done = deidentify_images(folder, out, DateShift(secret), accept=accept or ())
    files = "file" if done.n_written == 1 else "files"
    typer.echo(f"{done.n_written} {files} in {out}, {len(done.withheld)} withheld")
    for reason, n in done.reasons.items():
        typer.echo(printable(f"{n} × {reason}"))
    if not done.n_written:
        raise typer.Exit(BAD_DATA)


@images.command("register")
def images_register(
    fixed: Annotated[
        Path, typer.Argument(metavar="FIXED", help="Image whose grid is kept: file or series.")
    ],
    moving: Annotated[
        list[Path], typer.Argument(metavar="MOVING...", help="Others of the same patient.")
    ],
    out: Annotated[Path, typer.Option("--out", help="NIfTI file to write, a channel an image.")],
) -> None:
    """Lay scans of one patient on one grid, as channels of one image.

    Each is turned and shifted as a whole until it tells most of the first (mutual information).
    Look at the result: `ImageViewer` shows the channels.

    Example: `workbench images register flair.nii.gz t1.nii.gz t2.nii.gz --out mr.nii.gz`
    """
    from workbench.data.imaging import as_channels, read_image, register, resampled, write_nifti

    if out.exists():
        raise WorkbenchError(f"{out} exists already: choose another file with --out")
    grid = read_image(fixed)
    channels = {printable(fixed.name): grid}
    for path in moving:
        if (name := printable(path.name)) in channels:
            raise WorkbenchError(f"two images are called {name}: give files of different names")
        image = read_image(path)
        found = register(grid, image)
        channels[name] = resampled(image, grid, found)
        typer.echo(
            f"{name}: turned by {found.degrees:.1f}°, moved by {found.millimetres(grid):.1f} mm, "
            f"mutual information {found.similarity_before:.2f} before, {found.similarity:.2f} after"
        )
    write_nifti(as_channels(channels), out)
    typer.echo(f"{out}: {len(channels)} channels of {' × '.join(map(str, grid.shape))} voxels")


def segment(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Name of a dataset, or card file.")],
    out: Out,
    fold: Annotated[int | None, typer.Option(min=0, help="Only this fold, from 0.")] = None,
    modality: Annotated[
        str | None, typer.Option(help="Images with masks; needed where the card has several.")
    ] = None,
    network: Annotated[str, typer.Option(help="unet or vnet.")] = "unet",
    size: Annotated[int, typer.Option(min=16, help="Pixels a side that the network sees.")] = 128,
    steps: Annotated[int, typer.Option(min=1, help="Training steps a fold.")] = 6000,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    data_dir: DataDir = None,
) -> None:
    """Learn to outline what a dataset's masks show, and outline patients of the other folds.

    Writes the network of each fold, a mask a patient (NIfTI), and how well it agrees with the drawn
    one. A run that was stopped goes on where it was: give the same command.

    Example: `workbench segment lgg_mri --out runs/lgg --fold 0`
    """
    from workbench.data.open_card import open_card
    from workbench.printing import ProgressBars, print_segmentation
    from workbench.segmentation import SegmentationSettings
    from workbench.segmentation import segment as segment_images

    if network not in ("unet", "vnet"):
        raise typer.BadParameter("--network must be unet or vnet")
    settings = SegmentationSettings(modality=modality, network=network, size=size, n_steps=steps)
    with ProgressBars() as bars:
        try:
            result = segment_images(
                open_card(card, data_dir),
                out,
                settings,
                fold=fold,
                device=device,
                on_progress=bars.show,
            )
        except KeyboardInterrupt:
            typer.echo("stopped; the same command goes on from the last checkpoint", err=True)
            raise
    print_segmentation(result)
