"""Simulated brain images: a lesion whose size and texture are drawn, seen by four scanners."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

SIZE = 64
CHANNELS = ("pre_contrast", "flair", "post_contrast")
SITES = ("North", "East", "South", "West")

TISSUE = (0.42, 0.38, 0.44)
VENTRICLE = (-0.14, -0.24, -0.12)
LESION = (-0.10, 0.18, 0.12)
TEXTURE = (0.6, 1.0, 0.8)
RADIUS_PX, RADIUS_LOG_SD = 8.0, 0.30
AMPLITUDE, AMPLITUDE_SD = 0.155, 0.068


@dataclass(frozen=True)
class Scanner:
    """How one site's scanner distorts an image.

    Parameters
    ----------
    gain, offset
        Intensity becomes ``gain * intensity + offset``; intensity lies in [0, 1].
    noise
        Standard deviation of the added Gaussian noise, intensity.
    blur
        Standard deviation of the Gaussian point spread, pixels.
    """

    gain: float
    offset: float
    noise: float
    blur: float


SCANNERS = {
    "North": Scanner(gain=1.00, offset=0.00, noise=0.010, blur=0.00),
    "East": Scanner(gain=0.92, offset=0.04, noise=0.015, blur=0.20),
    "South": Scanner(gain=1.08, offset=-0.02, noise=0.012, blur=0.35),
    "West": Scanner(gain=0.95, offset=0.06, noise=0.025, blur=0.45),
}


def _ellipse(centre: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Distance from the centre in units of the half axes, (patient, height, width)."""
    grid = np.mgrid[:SIZE, :SIZE]
    scaled = (grid[None] - centre[:, :, None, None]) / axes[:, :, None, None]
    return np.sqrt((scaled**2).sum(axis=1))


def _smooth(rng: np.random.Generator, n_patients: int, sigma: float) -> np.ndarray:
    """White noise blurred by ``sigma`` pixels, unit variance, (patient, height, width)."""
    field = gaussian_filter(rng.standard_normal((n_patients, SIZE, SIZE)), (0, sigma, sigma))
    return field / field.std()


def _mottle(rng: np.random.Generator, masks: np.ndarray) -> np.ndarray:
    """Noise of about 7 pixels' wavelength, of mean 0 and variance 1 inside each lesion.

    It is coarse enough to survive every scanner's blur, and scaled lesion by lesion so that the
    amplitude seen is the amplitude drawn, in small lesions too.
    """
    white = rng.standard_normal(masks.shape)
    band = gaussian_filter(white, (0, 1.0, 1.0)) - gaussian_filter(white, (0, 2.5, 2.5))
    area = masks.sum(axis=(1, 2), keepdims=True)
    band = band - (band * masks).sum(axis=(1, 2), keepdims=True) / area
    return band / np.sqrt((band**2 * masks).sum(axis=(1, 2), keepdims=True) / area)


def _lesion_masks(
    rng: np.random.Generator,
    head_centre: np.ndarray,
    head_axes: np.ndarray,
    radius: np.ndarray,
) -> np.ndarray:
    """Irregular lesions inside the brain, (patient, height, width) bool."""
    n = len(radius)
    angle, reach = rng.uniform(0, 2 * np.pi, n), rng.uniform(0.15, 0.45, n)
    centre = head_centre + head_axes * reach[:, None] * np.stack([np.sin(angle), np.cos(angle)], 1)
    offset = np.mgrid[:SIZE, :SIZE][None] - centre[:, :, None, None]
    theta = np.arctan2(offset[:, 0], offset[:, 1])
    outline = np.ones_like(theta)
    for lobes, depth in ((2, 0.18), (3, 0.10), (5, 0.06)):
        phase = rng.uniform(0, 2 * np.pi, n)[:, None, None]
        outline += depth * np.cos(lobes * theta + phase)
    inside = np.hypot(offset[:, 0], offset[:, 1]) < radius[:, None, None] * outline
    return inside & (_ellipse(head_centre, head_axes) < 0.90)


def draw_images(
    rng: np.random.Generator, site: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw one image a patient.

    Parameters
    ----------
    rng
        Source of all randomness.
    site
        Hospital of each patient, (patient,) str, among ``SITES``: it chooses the scanner.

    Returns
    -------
    images
        (patient, height, width, channel) uint8.
    masks
        The lesion, (patient, height, width) bool.
    size
        Standardised log lesion area, (patient,); independent of the scanner.
    texture
        Standardised amplitude of the mottling inside the lesion, (patient,).
    """
    n = len(site)
    head_centre = SIZE / 2 + rng.uniform(-1.5, 1.5, (n, 2))
    head_axes = np.stack([rng.uniform(26, 30, n), rng.uniform(21, 25, n)], axis=1)
    radius = RADIUS_PX * np.exp(RADIUS_LOG_SD * np.clip(rng.standard_normal(n), -2.3, 2.0))
    texture = np.clip(rng.standard_normal(n), -2.1, 2.4)
    masks = _lesion_masks(rng, head_centre, head_axes, radius)
    area = masks.sum(axis=(1, 2))
    size = np.log(area / (np.pi * RADIUS_PX**2)) / (2 * RADIUS_LOG_SD)

    head = _ellipse(head_centre, head_axes)
    brain, skull = head < 0.92, (head >= 0.92) & (head < 1.0)
    ventricle = np.zeros_like(head)
    for side in (-4.0, 4.0):
        ventricle += _ellipse(head_centre + np.array([0.0, side]), np.tile([7.0, 2.5], (n, 1))) < 1
    soft = gaussian_filter(masks.astype(float), (0, 0.6, 0.6))
    tissue, mottle = 0.04 * _smooth(rng, n, 3.0), _mottle(rng, masks)
    amplitude = (AMPLITUDE + AMPLITUDE_SD * texture)[:, None, None]

    images = np.empty((n, SIZE, SIZE, len(CHANNELS)))
    for channel in range(len(CHANNELS)):
        inside = TISSUE[channel] + tissue + VENTRICLE[channel] * ventricle * (1 - soft)
        inside += soft * (LESION[channel] + TEXTURE[channel] * amplitude * mottle)
        images[..., channel] = np.where(brain, inside, np.where(skull, 0.7, 0.03))
    return _scan(rng, images, site), masks, size, texture


def _scan(rng: np.random.Generator, images: np.ndarray, site: np.ndarray) -> np.ndarray:
    """Pass each image through its site's scanner, to uint8."""
    scanned = np.empty_like(images)
    for name, scanner in SCANNERS.items():
        here = site == name
        blurred = gaussian_filter(images[here], (0, scanner.blur, scanner.blur, 0))
        noise = scanner.noise * rng.standard_normal(blurred.shape)
        scanned[here] = scanner.gain * blurred + scanner.offset + noise
    return np.round(255 * np.clip(scanned, 0, 1)).astype(np.uint8)
