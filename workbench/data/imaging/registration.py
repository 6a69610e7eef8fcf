"""Images of one patient from several scans, laid on one grid: MR sequences, or PET and CT."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.imaging.volume import Volume
from workbench.errors import ImageError

if TYPE_CHECKING:
    import SimpleITK

MOST_DEGREES = 45.0
"""Heads and trunks are not turned further between two scans; what is found beyond is an error."""
SAMPLES = 100_000
BINS = 50
COARSE, FINE = (4,), (2, 1)
"""By how much the grid is thinned, level by level, and smoothed, in mm."""
_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Registration:
    """Where the same place of the patient lies in another scan.

    Parameters
    ----------
    affine
        (4, 4), from mm to the right, front and head in the fixed image to those in the moving one;
        a rotation and a shift.
    similarity, similarity_before
        Mutual information of the two images, in nats, there and as their files place them. Larger
        is more alike.
    """

    affine: np.ndarray
    similarity: float
    similarity_before: float

    @property
    def degrees(self) -> float:
        """By how much the moving image is turned."""
        return float(np.degrees(np.arccos(np.clip((np.trace(self.affine[:3, :3]) - 1) / 2, -1, 1))))

    def millimetres(self, image: Volume) -> float:
        """How far the middle of an image is moved."""
        if image.affine is None:
            raise ImageError("pictures have no places in mm")
        middle = image.affine @ [*(np.array(image.shape) - 1) / 2, 1]
        return float(np.linalg.norm((self.affine @ middle - middle)[:3]))


def register(fixed: Volume, moving: Volume, *, seed: int = 0) -> Registration:
    """The rotation and shift under which two scans of one patient tell most of each other.

    Mattes' mutual information [1]_ is climbed from coarse to fine, from where the files place the
    images and from where their centres of mass meet; the better end counts. Contrasts may differ,
    even be inverted; the same images give the same numbers.

    Parameters
    ----------
    fixed, moving
        Volumes of one channel, with their places in mm.
    seed
        Of the voxels that are looked at.

    Raises
    ------
    ImageError
        Without SimpleITK; for pictures, several channels or unknown orientation; if the images do
        not overlap or are constant, or are turned by more than 45°: look at them then.

    References
    ----------
    .. [1] Mattes, D. et al. (2003). PET-CT image registration in the chest using free-form
       deformations. IEEE Trans Med Imaging 22:120.
    """
    with _one_thread() as itk:
        still, moved = (_as_itk(itk, image) for image in (fixed, moving))
        if any(np.ptp(itk.GetArrayViewFromImage(image)) == 0 for image in (still, moved)):
            raise ImageError("one image has the same value everywhere: nothing in it can be found")
        placed = itk.Euler3DTransform()
        placed.SetCenter(_middle(still))
        match = _Match(itk, still, moved, seed)
        before = match.similarity(placed)
        starts = (placed, match.centred(placed))
        near, *_ = match.best(match.climbed(start, COARSE) for start in starts)
        best, similarity = match.best([match.climbed(near, FINE), near, placed])
    found = Registration(_as_affine(best), similarity, max(before, 0.0))
    if found.degrees > MOST_DEGREES:
        raise ImageError(
            f"the best match is turned by {found.degrees:.0f}°, which no two scans of a patient "
            "are: look at both, and at how their files place them"
        )
    return found


def resampled(
    moving: Volume,
    like: Volume,
    registration: Registration | None = None,
    *,
    nearest: bool = False,
    outside: float = 0.0,
) -> Volume:
    """Values of an image at the voxels of another, (i, j, k) float32.

    Parameters
    ----------
    moving
        Of one channel.
    like
        Whose grid is filled.
    registration
        Of ``moving`` to ``like``; None where their files place both right already.
    nearest
        The nearest voxel's value, as masks need it; else between voxels, linearly.
    outside
        The value where ``moving`` shows nothing, such as -1024 for CT.

    Raises
    ------
    ImageError
        As :func:`register` for the images.
    """
    itk = _simpleitk()
    grid, image = _as_itk(itk, like), _as_itk(itk, moving)
    affine = np.eye(4) if registration is None else registration.affine
    filled = itk.Resample(
        image,
        grid,
        _as_transform(itk, affine),
        itk.sitkNearestNeighbor if nearest else itk.sitkLinear,
        outside,
        itk.sitkFloat32,
    )
    voxels = itk.GetArrayFromImage(filled).transpose(2, 1, 0)
    return replace(
        like,
        voxels=voxels,
        unit=moving.unit,
        slope=1.0,
        intercept=0.0,
        modality=moving.modality,
        acquisition=moving.acquisition,
        window=moving.window,
        notes=(*moving.notes, "resampled onto the grid of another image"),
    )


def as_channels(images: Mapping[str, Volume]) -> Volume:
    """Images of one grid as the channels of one, (i, j, k, channel) float32.

    Parameters
    ----------
    images
        By the name of the channel; the first gives the grid.

    Raises
    ------
    ImageError
        If there is none, or the grids differ: :func:`resampled` lays an image on another's.
    """
    if not images:
        raise ImageError("no image given: name at least one channel")
    first = next(iter(images.values()))
    for name, image in images.items():
        if image.affine is None or first.affine is None:
            raise ImageError(f"{name}: pictures have no places in mm, by which channels are laid")
        if image.shape != first.shape or not np.allclose(image.affine, first.affine, atol=1e-3):
            raise ImageError(f"{name} lies on another grid: use `resampled` to bring it there")
    stacked = [np.asarray(i.values(i.voxels), dtype=np.float32) for i in images.values()]
    notes = tuple(dict.fromkeys(itertools.chain(*(image.notes for image in images.values()))))
    return replace(
        first,
        voxels=np.stack(stacked, axis=3),
        unit="",
        slope=1.0,
        intercept=0.0,
        channels=tuple(images),
        window=None,
        notes=notes,
    )


@contextmanager
def _one_thread() -> Iterator[Any]:
    """SimpleITK, whose sums then come in one order: the same images give the same numbers."""
    itk = _simpleitk()
    as_before = itk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    itk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield itk
    finally:
        itk.ProcessObject.SetGlobalDefaultNumberOfThreads(as_before)


def _simpleitk() -> Any:
    try:
        import SimpleITK
    except ImportError:
        raise ImageError(
            "registration needs SimpleITK: pip install 'precision-workbench[registration]'"
        ) from None
    return SimpleITK


def _as_itk(itk: Any, image: Volume) -> "SimpleITK.Image":
    """The image with its place in mm to the left, back and head, as ITK has it."""
    if image.affine is None or not image.known_orientation:
        raise ImageError("its file does not say where the patient's right, front and head are")
    if image.voxels.ndim != 3:
        raise ImageError(f"one channel is registered at a time, got {len(image.channels)}")
    affine = _TO_LPS @ image.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    values = np.asarray(image.values(image.voxels), dtype=np.float32)
    made = itk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    made.SetSpacing(spacing.tolist())
    made.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    made.SetOrigin(affine[:3, 3].tolist())
    return made


def _least(image: "SimpleITK.Image") -> float:
    return float(_simpleitk().GetArrayViewFromImage(image).min())


def _middle(image: "SimpleITK.Image") -> tuple[float, ...]:
    return image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()])


@dataclass(frozen=True)
class _Match:
    """How alike two images are, and the way to where they are more so."""

    itk: Any
    still: Any
    moved: Any
    seed: int

    def similarity(self, transform: Any) -> float:
        """Mutual information in nats; -inf where too little overlaps."""
        method = self._method()
        method.SetInitialTransform(transform, inPlace=False)
        try:
            value = -float(method.MetricEvaluate(self.still, self.moved))
        except RuntimeError:
            return -np.inf
        return value if np.isfinite(value) else -np.inf

    def centred(self, placed: Any) -> Any:
        """Centres of mass on each other, where the least value weighs nothing."""
        masses = [self.itk.Subtract(image, _least(image)) for image in (self.still, self.moved)]
        moments = self.itk.CenteredTransformInitializerFilter.MOMENTS
        start = self.itk.CenteredTransformInitializer(*masses, placed, moments)
        return self.itk.Euler3DTransform(start)

    def climbed(self, start: Any, levels: Sequence[int]) -> Any:
        """The end of the way up from ``start``; that itself where nothing can be seen from it."""
        method = self._method()
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=2.0, minStep=1e-3, numberOfIterations=150, relaxationFactor=0.6
        )
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetShrinkFactorsPerLevel(levels)
        method.SetSmoothingSigmasPerLevel([float(n) if n > 1 else 0.0 for n in levels])
        method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
        method.SetInitialTransform(self.itk.Euler3DTransform(start), inPlace=False)
        try:
            end = method.Execute(self.still, self.moved)
        except RuntimeError:
            return start
        return self.itk.Euler3DTransform(self.itk.CompositeTransform(end).GetBackTransform())

    def best(self, transforms: Iterable[Any]) -> tuple[Any, float]:
        """The one under which the images are most alike, and how alike."""
        reached = [(transform, self.similarity(transform)) for transform in transforms]
        best = max(reached, key=lambda pair: pair[1])
        if not np.isfinite(best[1]):
            raise ImageError("the images do not overlap: are they of one patient?")
        return best

    def _method(self) -> Any:
        method = self.itk.ImageRegistrationMethod()
        method.SetMetricAsMattesMutualInformation(BINS)
        method.SetMetricSamplingStrategy(method.RANDOM)
        share = min(1.0, SAMPLES / self.still.GetNumberOfPixels())
        method.SetMetricSamplingPercentage(share, self.seed + 1)  # 0 would ask the clock.
        method.SetInterpolator(self.itk.sitkLinear)
        return method


def _as_affine(transform: Any) -> np.ndarray:
    """(4, 4), between mm to the right, front and head."""
    matrix = np.reshape(transform.GetMatrix(), (3, 3))
    centre, shift = np.array(transform.GetCenter()), np.array(transform.GetTranslation())
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affine[:3, 3] = centre + shift - matrix @ centre
    return _TO_LPS @ affine @ _TO_LPS


def _as_transform(itk: Any, affine: np.ndarray) -> Any:
    left = _TO_LPS @ affine @ _TO_LPS
    transform = itk.AffineTransform(3)
    transform.SetMatrix(left[:3, :3].ravel().tolist())
    transform.SetTranslation(left[:3, 3].tolist())
    return transform
