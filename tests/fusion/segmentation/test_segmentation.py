"""Networks that outline: they learn, go on where they were stopped, and are judged by patient."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from fusion.segmentation.agreement import agreement
from fusion.segmentation.augmentation import Augmentation, augmented
from fusion.segmentation.images import OutlinedImages, PatientScale
from fusion.segmentation.networks import unet, vnet
from fusion.segmentation.prediction import predict_chances
from fusion.segmentation.training import SegmentationTrainingConfig, train_segmentation

SHARES = (0.0, 0.03, 0.6)
"""Of an image, that a lesion takes."""

BRIEF = SegmentationTrainingConfig(n_steps=25, batch=8, learning_rate=1e-2, check_every=10)


def small_unet(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return unet(2, 2, (8, 16, 16))


def dice_by_patient(network: nn.Module, images: OutlinedImages) -> list[float]:
    found = predict_chances(network, images) > 0.5
    return [
        agreement(found[rows], images.masks[rows], spacing=(3.0, 1.0, 1.0), tolerance=1.0).dice
        for patient in images.patients
        for rows in [torch.as_tensor(images.patient == patient)]
    ]


def test_it_learns_to_outline_patients_it_has_not_seen(outlined):
    network = small_unet()
    losses = train_segmentation(network, outlined(), BRIEF)
    assert losses[-5:].mean() < 0.7 * losses[:5].mean()
    dice = dice_by_patient(network, outlined(seed=1))
    assert len(dice) == 4
    assert min(dice) > 0.8
    assert max(dice_by_patient(small_unet(), outlined(seed=1))) < 0.6


def test_what_is_outlined_does_not_depend_on_who_else_is_there(outlined):
    network, images = small_unet(), outlined()
    train_segmentation(network, images, replace(BRIEF, n_steps=3))
    together = predict_chances(network, images)
    for patient in images.patients:
        rows = torch.as_tensor(images.patient == patient)
        assert_close(predict_chances(network, images.of([patient])), together[rows])


class StoppedError(Exception):
    """What a person who stops a run raises."""


def test_a_stopped_run_goes_on_bit_for_bit(outlined, tmp_path):
    images, whole, halves = outlined(), small_unet(), small_unet()
    expected = train_segmentation(whole, images, BRIEF)

    def stop(done: int, total: int, loss: float) -> None:
        assert (total, loss) == (25, expected[done - 1])
        if done == 13:
            raise StoppedError

    path = tmp_path / "run.safetensors"
    with pytest.raises(StoppedError):
        train_segmentation(halves, images, BRIEF, checkpoint=path, on_step=stop)
    resumed = small_unet()
    steps = []
    losses = train_segmentation(
        resumed, images, BRIEF, checkpoint=path, on_step=lambda done, *_: steps.append(done)
    )
    assert steps[0] == 11
    assert np.array_equal(losses, expected)
    assert all(
        torch.equal(a, b)
        for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True)
    )
    with pytest.raises(ValueError, match="belongs to another run: it differs in learning_rate"):
        train_segmentation(small_unet(), images, replace(BRIEF, learning_rate=1.0), checkpoint=path)
    with pytest.raises(ValueError, match="images, masks and patients"):
        train_segmentation(small_unet(), outlined(seed=1), BRIEF, checkpoint=path)


def test_sixteen_bits_learn_the_same(outlined):
    brief = replace(BRIEF, n_steps=6)
    full, half = small_unet(), small_unet()
    whole = train_segmentation(full, outlined(), brief)
    halved = train_segmentation(half, outlined(), replace(brief, precision="bf16"))
    assert (whole != halved).any()
    assert np.abs(whole - halved).max() < 0.03 * whole.max()


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (lambda: vnet(2, 3), (1, 3, 32, 32)),
        (lambda: unet(3, 2, (4, 8, 8)), (1, 2, 16, 16, 16)),
    ],
    ids=["vnet", "unet of volumes"],
)
def test_each_network_learns_from_one_image(network, shape):
    torch.manual_seed(0)
    built = network()
    pixels = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    wanted = torch.zeros_like(pixels[:, :1])
    wanted[:, :, : shape[2] // 2] = 1
    pixels = pixels + 2 * wanted
    optimiser = torch.optim.AdamW(built.parameters(), lr=1e-2)
    losses = []
    for _ in range(5):
        logits = built(pixels)
        assert logits.shape == wanted.shape
        loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
    assert not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in built.modules())


def lesions_of_all_sizes(seed: int, side: int = 32) -> OutlinedImages:
    """Of each patient one slice with nothing, one with a small and one with a large lesion."""
    rng, (row, column) = np.random.default_rng(seed), np.mgrid[:side, :side]
    centre = rng.uniform(0.4 * side, 0.6 * side, (12, 2, 1, 1))
    radius = side * np.sqrt(np.tile(SHARES, 4) / np.pi)[:, None, None]
    masks = np.hypot(row - centre[:, 0], column - centre[:, 1]) < radius
    pixels = 90 + 60 * masks[:, None] + rng.normal(0, 12, (12, 2, side, side))
    return OutlinedImages(
        torch.as_tensor(pixels.clip(0, 255).astype(np.uint8)),
        torch.as_tensor(255 * masks.astype(np.uint8)),
        np.repeat(["a", "b", "c", "d"], 3),
    )


def test_lesions_of_all_sizes_are_found_in_their_size():
    network, learned = small_unet(), replace(BRIEF, n_steps=60, augmentation=None, coarse_share=0.0)
    train_segmentation(network, lesions_of_all_sizes(0), learned)
    new = lesions_of_all_sizes(1)
    found = (predict_chances(network, new) > 0.5).float().mean(dim=(1, 2)).reshape(4, 3)
    assert found[:, 0].max() < 0.002
    assert_close(found[:, 1], torch.full((4,), SHARES[1]), atol=0.008, rtol=0)
    assert_close(found[:, 2], torch.full((4,), SHARES[2]), atol=0.03, rtol=0)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("network", [unet, vnet])
def test_no_norm_forces_the_logits_of_an_image_to_a_mean(network, dimensions):
    # Of one channel it would: half of every image would then have to be above the other half.
    norms = [m for m in network(dimensions, 2).modules() if isinstance(m, nn.GroupNorm)]
    assert norms
    assert min(m.num_channels for m in norms) > 1


@torch.no_grad()
def test_a_new_network_outlines_little():
    torch.manual_seed(0)
    pixels = torch.randn(2, 2, 32, 32, generator=torch.Generator().manual_seed(1))
    for network in (unet(2, 2, (8, 16, 16)), vnet(2, 2)):
        assert network.eval()(pixels).sigmoid().mean() < 0.3


def test_a_sliding_window_finds_what_the_whole_image_shows(outlined):
    images = outlined()
    network = small_unet()
    train_segmentation(network, images, BRIEF)
    whole = predict_chances(network, images) > 0.5
    assert torch.equal(predict_chances(network, images, window=(32, 32), batch=5) > 0.5, whole)
    large = outlined(n_patients=1, size=48, seed=2)
    found = predict_chances(network, large, window=(32, 32), batch=5) > 0.5
    assert agreement(found, large.masks, spacing=(1.0, 1.0, 1.0), tolerance=1.0).dice > 0.5


def test_every_patient_has_their_own_scale_and_others_do_not_matter(outlined):
    images = outlined()
    images = replace(images, pixels=images.pixels.clamp(min=40))  # Nothing as dark as air.
    scale = PatientScale.of(images)
    alone = images.of(["p2"])
    rows = torch.as_tensor(np.flatnonzero(images.patient == "p2"))
    assert_close(PatientScale.of(alone).mean, scale.mean[rows])
    standard = scale.standardised(alone.pixels, rows)
    variance, mean = torch.var_mean(standard, dim=(0, 2, 3), correction=0)
    assert_close(mean, torch.zeros(2), atol=1e-4, rtol=0)
    assert_close(variance, torch.ones(2), atol=1e-3, rtol=0)
    flat = replace(images, pixels=torch.full_like(images.pixels, 9))
    assert not PatientScale.of(flat).standardised(flat.pixels, torch.arange(16)).any()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 12), st.integers(0, 12))
def test_how_much_air_surrounds_a_patient_does_not_matter(outlined, rows, columns):
    images = outlined()
    border = (columns, columns, rows, rows)
    wider = replace(
        images,
        pixels=nn.functional.pad(images.pixels, border),
        inside=nn.functional.pad(images.inside, border),
    )
    assert_close(PatientScale.of(wider).mean, PatientScale.of(images).mean)
    assert_close(PatientScale.of(wider).spread, PatientScale.of(images).spread)


def test_neighbours_are_of_the_same_patient(outlined):
    images = outlined(n_patients=2, n_slices=3)
    near = images.beside(torch.arange(6), 1)
    assert near.tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 2], [3, 3, 4], [3, 4, 5], [4, 5, 5]]
    scale = PatientScale.of(images)
    seen = scale.seen(images, torch.tensor([4, 0]), reach=1, device="cpu")
    assert seen.shape == (2, 6, 32, 32)
    for place, row in enumerate((3, 4, 5)):
        alone = scale.standardised(images.pixels[[row]], torch.tensor([row]))
        assert torch.equal(seen[0, 2 * place : 2 * place + 2], alone[0])


def test_a_network_that_sees_neighbours_learns_and_mirrors_as_it_was_taught(outlined):
    torch.manual_seed(0)
    network = unet(2, 6, (8, 16, 16))
    config = replace(BRIEF, reach=1, augmentation=Augmentation(flips=(1,), stand_in=0))
    losses = train_segmentation(network, outlined(), config)
    assert losses[-5:].mean() < 0.75 * losses[:5].mean()
    images = outlined(seed=1)
    mirrored = replace(images, pixels=images.pixels.flip(3))
    there = predict_chances(network, images, reach=1, flips=(1,))
    assert_close(predict_chances(network, mirrored, reach=1, flips=(1,)).flip(2), there)
    alone = predict_chances(network, images, reach=1)
    assert (alone - there).abs().max() > 1e-3


def test_batches_are_half_outlined_and_come_again_with_the_seed(outlined):
    images = outlined()
    has = images.masks.flatten(1).any(dim=1).numpy()
    rows = BRIEF.batch_at(3, has, images.owner)
    assert has[rows.numpy()].tolist() == [True] * 4 + [False] * 4
    assert torch.equal(rows, BRIEF.batch_at(3, has, images.owner))
    assert not torch.equal(rows, replace(BRIEF, seed=1).batch_at(3, has, images.owner))
    assert len(BRIEF.batch_at(0, np.zeros(16, dtype=bool), images.owner)) == 8


def test_patients_count_alike_however_many_slices_they_have():
    owner = np.repeat([0, 1], [10, 190])
    has = np.arange(200) % 2 == 0
    rows = np.concatenate([BRIEF.batch_at(step, has, owner).numpy() for step in range(300)])
    assert 0.45 < (owner[rows] == 0).mean() < 0.55


def test_images_are_smaller_at_first_and_sides_divide():
    config = replace(BRIEF, n_steps=10)
    assert [config.side_at(step, 128) for step in (0, 5, 6, 9)] == [96, 96, 128, 128]
    assert config.side_at(0, 144) == 112
    assert config.side_at(0, 32) == config.side_at(0, 40) == 32
    assert config.side_at(0, 16) == 16
    assert replace(config, coarse_share=0.0).side_at(0, 128) == 128


def test_what_is_learned_from_smaller_images_serves_larger_ones(outlined):
    seen = []

    class Sized(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = small_unet()

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            seen.append(pixels.shape[-1])
            return self.network(pixels)

    network = Sized()
    train_segmentation(network, outlined(size=64), replace(BRIEF, coarse_scale=0.5))
    assert seen == [32] * 15 + [64] * 10
    assert np.mean(dice_by_patient(network, outlined(size=64, seed=1))) > 0.8


def test_an_outline_finer_than_places_keeps_its_course(outlined):
    """A place that is inside by a fifth is taught as such."""
    images = outlined()
    fifth = torch.where(images.inside > 0, 51, 0).to(torch.uint8)
    shy = small_unet()
    config = replace(BRIEF, n_steps=40)
    train_segmentation(shy, replace(images, inside=fifth), config)
    inside = predict_chances(shy, images)[images.masks].mean()
    bold = small_unet()
    train_segmentation(bold, images, config)
    assert inside < predict_chances(bold, images)[images.masks].mean() - 0.15
    assert not replace(images, inside=fifth).masks.any()


NOTHING = Augmentation(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("shape", [(6, 20, 24), (6, 8, 12, 10)])
def test_augmentation_moves_masks_with_their_images(shape):
    generator = torch.Generator().manual_seed(0)
    masks = torch.zeros(shape[0], 1, *shape[1:])
    masks[(..., *(slice(s // 4, s // 2) for s in shape[1:]))] = 1
    same, mask = augmented(masks, masks, NOTHING, generator)
    assert_close(same, masks)
    moved, mask = augmented(
        masks, masks, replace(NOTHING, tilt=30.0, zoom=0.2, shift=0.1, flips=(0,)), generator
    )
    assert_close((moved > 0.5).float().mean(), mask.mean(), atol=0.01, rtol=0)
    assert (((moved > 0.5).float() - mask).abs()).mean() < 0.03
    assert (mask - masks).abs().mean() > 0.01
    louder, mask = augmented(
        masks, masks, Augmentation(0.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.5), generator
    )
    assert_close(mask, masks)
    assert (louder - masks).flatten(1).std(dim=1).min() > 0


def test_absent_channels_look_like_the_one_that_stands_in():
    images = torch.randn(400, 6, 4, 4, generator=torch.Generator().manual_seed(0))
    masks = torch.zeros(400, 1, 4, 4)
    lost = replace(NOTHING, stand_in=1, absent=1.0)
    changed, _ = augmented(images, masks, lost, torch.Generator().manual_seed(1), slices=2)
    assert_close(changed, images[:, [1, 1, 1, 4, 4, 4]], atol=1e-5, rtol=0)
    some = replace(lost, absent=0.2)
    changed, _ = augmented(images, masks, some, torch.Generator().manual_seed(1), slices=2)
    gone = ((changed - images).abs() > 1e-3).flatten(2).any(dim=2)
    # Neighbouring slices lose the same channels, and the one that stands in is never lost.
    assert torch.equal(gone[:, :3], gone[:, 3:])
    assert not gone[:, 1].any()
    # Alone in 20 %, or with all others in another 10 % of what is left.
    assert_close(gone[:, 0].float().mean(), torch.tensor(0.28), atol=0.06, rtol=0)
    assert_close((gone[:, 0] & gone[:, 2]).float().mean(), torch.tensor(0.136), atol=0.05, rtol=0)


def test_channels_differ_in_brightness_and_neighbouring_slices_do_not():
    images, masks = torch.ones(8, 6, 4, 4), torch.zeros(8, 1, 4, 4)
    changed, _ = augmented(
        images, masks, replace(NOTHING, brightness=0.5), torch.Generator().manual_seed(0), slices=2
    )
    assert_close(changed[:, :3], changed[:, 3:])
    assert (changed[:, 0] - changed[:, 1]).abs().flatten(1).amin(dim=1).max() > 0.1


def test_grey_values_are_bent_between_darkest_and_brightest():
    """Of each channel alike in neighbouring slices, in order, and differently in each image."""
    images = torch.rand(8, 6, 6, 6, generator=torch.Generator().manual_seed(0)) - 0.5
    masks = torch.zeros(8, 1, 6, 6)
    bent = replace(NOTHING, gamma=0.5)
    changed, _ = augmented(images, masks, bent, torch.Generator().manual_seed(1), slices=2)
    was, now = (x.unflatten(1, (2, 3)).transpose(1, 2).flatten(2) for x in (images, changed))
    assert_close(now.amin(2), was.amin(2), atol=1e-5, rtol=0)
    assert_close(now.amax(2), was.amax(2), atol=1e-5, rtol=0)
    assert torch.equal(now.argsort(dim=2), was.argsort(dim=2))
    middle = (now - was).mean(dim=2)
    assert (middle.abs() > 1e-3).all()
    assert middle.std() > 0.02
    flat = torch.ones(2, 3, 4, 4)
    same, _ = augmented(flat, masks[:2, :, :4, :4], bent, torch.Generator().manual_seed(1))
    assert_close(same, flat)


def test_a_tilt_is_a_rotation_whatever_the_shape_of_the_image():
    """Areas stay: a shear or a stretch would change them."""
    masks = torch.zeros(16, 1, 40, 80)
    masks[:, :, 15:25, 30:50] = 1
    _, moved = augmented(
        masks, masks, replace(NOTHING, tilt=90.0), torch.Generator().manual_seed(1)
    )
    assert_close(moved.sum(dim=(1, 2, 3)), torch.full((16,), 200.0), atol=20, rtol=0)
    rows = moved.any(dim=3).sum(dim=(1, 2))
    assert rows.max() > 18


def test_sides_are_only_mirrored_where_that_is_said():
    """A marker on the left stays there; with axis 1 among the flips it changes sides."""
    images = torch.zeros(32, 1, 16, 16)
    images[..., :4] = 1
    masks = images.clone()
    usual = replace(Augmentation(), noise=0.0)
    _, kept = augmented(images, masks, usual, torch.Generator().manual_seed(0))
    assert (kept[..., :8].sum(dim=(1, 2, 3)) > kept[..., 8:].sum(dim=(1, 2, 3))).all()
    _, mirrored = augmented(
        images, masks, replace(NOTHING, flips=(1,)), torch.Generator().manual_seed(0)
    )
    assert 0 < mirrored[:, 0, 0, 0].sum() < 32
    with pytest.raises(ValueError, match="sizes of an augmentation must be 0 or more"):
        Augmentation(tilt=-1.0)
    with pytest.raises(ValueError, match="absent must be 0 to 1, got 2"):
        Augmentation(absent=2.0)


def cube(start: int) -> torch.Tensor:
    mask = torch.zeros(12, 12, 12, dtype=torch.bool)
    mask[2:8, 2:8, start : start + 6] = True
    return mask


def test_agreement_of_shifted_cubes_is_that_of_geometry():
    found = agreement(cube(2), cube(4), spacing=(1.0, 1.0, 2.5), tolerance=1.0)
    assert found.dice == pytest.approx(4 / 6)
    assert found.hd95 == pytest.approx(5.0)
    assert (found.predicted_volume, found.drawn_volume) == (540.0, 540.0)
    assert 0 < found.surface_dice < 1
    wide = agreement(cube(2), cube(4), spacing=(1.0, 1.0, 2.5), tolerance=5.0)
    assert wide.surface_dice == 1
    same = agreement(cube(2), cube(2), spacing=(1.0, 1.0, 1.0), tolerance=0.0)
    assert (same.dice, same.hd95, same.surface_dice) == (1, 0, 1)


def test_empty_outlines_have_their_own_answers():
    nothing = torch.zeros(12, 12, 12, dtype=torch.bool)
    both = agreement(nothing, nothing, spacing=(1.0, 1.0, 1.0), tolerance=1.0)
    assert (both.dice, both.surface_dice) == (1, 1)
    one = agreement(nothing, cube(2), spacing=(1.0, 1.0, 1.0), tolerance=1.0)
    assert (one.dice, one.surface_dice, one.predicted_volume) == (0, 0, 0)
    assert np.isnan([both.hd95, one.hd95]).all()
    with pytest.raises(ValueError, match="with 2 spacings: pass outlines of one shape"):
        agreement(nothing, nothing, spacing=(1.0, 1.0), tolerance=1.0)


def test_images_and_settings_that_do_not_fit_are_refused(outlined):
    images = outlined()
    with pytest.raises(ValueError, match="pass one mask and one name an image"):
        replace(images, patient=images.patient[:3])
    with pytest.raises(ValueError, match="no images"):
        images.of(["nobody"])
    with pytest.raises(ValueError, match="must be at least 1"):
        SegmentationTrainingConfig(n_steps=0)
    with pytest.raises(ValueError, match="outlined_share must be 0 to 1"):
        SegmentationTrainingConfig(outlined_share=1.5)
    with pytest.raises(ValueError, match="reach must be 0 or more slices, got -1"):
        SegmentationTrainingConfig(reach=-1)
