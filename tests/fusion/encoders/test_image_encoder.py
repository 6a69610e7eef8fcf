"""The image encoder learns outlines without outcomes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from fusion.dataset import Modality
from fusion.encoders.image import (
    ImageEncoder,
    ImageEncoderConfig,
    encode,
    lesion_dice,
    train_image_encoder,
)

SMALL = ImageEncoderConfig(widths=(8, 16, 16), n_steps=60, batch_size=16, learning_rate=1e-2)
BRIEF = replace(SMALL, n_steps=4)


@pytest.fixture(scope="module")
def trained(discs) -> ImageEncoder:
    return train_image_encoder(discs(), seed=0, config=SMALL)


def test_it_outlines_the_lesion_in_new_patients(trained, discs):
    assert lesion_dice(trained, discs(seed=1)) > 0.7


def test_overlap_by_hand(trained, discs):
    """Empty against empty is 1; an outline that nobody drew is 0."""
    images = discs(12, seed=1)
    rows = images.present
    with torch.no_grad():
        pixels = torch.as_tensor(images.values[rows, 0])
        variance, mean = torch.var_mean(pixels, dim=(2, 3), keepdim=True)
        predicted = trained.network((pixels - mean) / (variance + 1e-6).sqrt())[:, 0] > 0
    drawn = images.masks[rows, 0]
    dice = [
        2 * (p & d).sum() / (p.sum() + d.sum())
        for p, d in zip(predicted.numpy(), drawn, strict=True)
    ]
    assert lesion_dice(trained, images) == pytest.approx(np.mean(dice), abs=1e-6)
    undrawn = replace(images, masks=np.zeros_like(images.masks))
    assert lesion_dice(trained, undrawn) == 0.0


def test_embedding_describes_the_lesion(trained, discs):
    """The outline's area orders the patients by the true size of their lesion."""
    images = discs(seed=1)
    embedded = encode(trained, images)
    size = images.masks.sum(axis=(1, 2, 3))[images.present]
    area = embedded.values[images.present, 0]
    assert np.corrcoef(np.sqrt(size), area)[0, 1] > 0.9


def test_embedding_has_a_row_a_patient_and_zeros_where_absent(trained, discs):
    images = discs()
    embedded = encode(trained, images)
    assert embedded.kind == "embedding"
    assert embedded.name == "mri"
    assert embedded.values.shape == (48, trained.embed)
    # Size and log size, then mean and spread of each channel of the image and of three levels.
    assert trained.embed == 2 + 2 * (2 + 8 + 16 + 16)
    assert_array_equal(embedded.present, images.present)
    assert not embedded.values[~images.present].any()
    assert embedded.values[images.present].any(axis=1).all()


def test_embedding_does_not_depend_on_the_batch(trained, discs):
    images = discs(20)
    whole, parts = encode(trained, images), encode(trained, images, batch_size=3)
    assert_allclose(parts.values, whole.values, atol=1e-5)


def test_nobody_with_an_image_embeds_to_zeros(trained, discs):
    """A held-out hospital without a scanner."""
    embedded = encode(trained, discs(5, lacking=5))
    assert embedded.values.shape == (5, trained.embed)
    assert not embedded.values.any()


def test_slices_are_averaged(trained, discs):
    images = discs(6)
    two = replace(
        images,
        values=np.concatenate([images.values, images.values[:, :, ::-1]], axis=1),
        masks=np.repeat(images.masks, 2, axis=1),
    )
    swapped = replace(images, values=images.values[:, :, ::-1].copy())
    mean = (encode(trained, images).values + encode(trained, swapped).values) / 2
    assert_allclose(encode(trained, two).values, mean, atol=1e-5)


def test_gain_and_offset_of_the_scanner_do_not_matter(trained, discs):
    images = discs(10)
    values = np.where(images.present[:, None, None, None, None], images.values * 0.4 + 0.2, 0)
    other = replace(images, values=values.astype(np.float32))
    assert_allclose(encode(trained, other).values, encode(trained, images).values, atol=2e-3)


def test_values_are_those_of_training_patients_who_have_an_image(trained, discs):
    """Patients without an image may come or go."""
    images = discs()
    fewer = images.take(images.present)
    before = train_image_encoder(images, seed=3, config=BRIEF).state_dict()
    after = train_image_encoder(fewer, seed=3, config=BRIEF).state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)


@pytest.mark.parametrize("masks", [True, False])
def test_the_same_seed_gives_the_same_encoder_and_another_seed_another(discs, masks):
    images = discs(masks=masks)
    torch.manual_seed(8)
    first = train_image_encoder(images, seed=1, config=BRIEF).state_dict()
    torch.manual_seed(9)
    again = train_image_encoder(images, seed=1, config=BRIEF).state_dict()
    other = train_image_encoder(images, seed=2, config=BRIEF).state_dict()
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not all(torch.equal(first[k], other[k]) for k in first)


def hidden_error(encoder: ImageEncoder, images: Modality) -> float:
    """Mean squared error in a hidden quarter of each image, in units of the image's variance."""
    pixels = torch.as_tensor(images.values[images.present, 0])
    variance, mean = torch.var_mean(pixels, dim=(2, 3), keepdim=True)
    pixels = (pixels - mean) / (variance + 1e-6).sqrt()
    hidden = torch.zeros_like(pixels)
    hidden[..., 8:16, 8:16] = hidden[..., 16:24, 16:24] = 1
    with torch.no_grad():
        restored = encoder.network(pixels * (1 - hidden))
    return float((((restored - pixels) ** 2) * hidden).sum() / hidden.sum())


def test_without_masks_it_learns_to_fill_in_what_is_hidden(discs):
    images, fresh = discs(masks=False), discs(seed=1, masks=False)
    learned = train_image_encoder(images, seed=0, config=SMALL)
    untrained = train_image_encoder(images, seed=0, config=replace(SMALL, n_steps=1))
    assert not learned.outlines
    assert hidden_error(learned, fresh) < 0.8 * hidden_error(untrained, fresh)
    embedded = encode(learned, fresh)
    assert embedded.values.shape == (48, 2 * (2 + 8 + 16 + 16))
    with pytest.raises(ValueError, match="needs masks"):
        lesion_dice(learned, fresh)


def test_no_image_at_all_is_refused(discs):
    with pytest.raises(ValueError, match="mri: no training patient has an image"):
        train_image_encoder(discs(4, lacking=4), seed=0, config=BRIEF)
