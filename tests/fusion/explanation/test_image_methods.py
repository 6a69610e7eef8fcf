"""Methods that explain images: against captum and MONAI, and where the truth is known."""

import captum.attr
import numpy as np
import pytest
import torch
from monai.visualize.class_activation_maps import GradCAMpp
from torch import nn

from fusion.explanation.attention_rollout import AttentionRollout, rolled_out
from fusion.explanation.grad_cam import GradCam
from fusion.explanation.grad_cam_plus_plus import GradCamPlusPlus, evidence
from fusion.explanation.image_method import SeenImages
from fusion.explanation.integrated_gradients import IntegratedGradients
from fusion.explanation.layer_maps import finest_deep_layer, maps_at
from fusion.explanation.layerwise_relevance import LayerwiseRelevance
from fusion.explanation.mil_attention import MilAttention
from fusion.explanation.occlusion import Occlusion
from fusion.explanation.saliency import Saliency
from fusion.explanation.smooth_grad import SmoothGrad
from tests.fusion.explanation.image_models import (
    SIZE,
    SquareScore,
    network_score,
    seen,
    slices_encoder,
    transformer_encoder,
    volume_encoder,
)

GRADIENTS = [Saliency(), SmoothGrad(n_draws=2), IntegratedGradients(n_steps=8)]
GRADIENTS += [Occlusion(patch=0.25, step=0.25)]
CAMS = [GradCam(), GradCamPlusPlus(), LayerwiseRelevance()]
NAMES = [m.name for m in (*GRADIENTS, *CAMS)]


@pytest.mark.parametrize("method", [*GRADIENTS, *CAMS], ids=NAMES)
@pytest.mark.parametrize("encoder", [slices_encoder, volume_encoder])
def test_every_method_maps_pictures_and_volumes_and_patients_alone_as_together(method, encoder):
    score, images = network_score(mri=encoder())
    some = seen(images["mri"])
    maps = method(score, some)
    assert maps.shape == (4, 3, SIZE, SIZE)
    assert maps.abs().amax(dim=(1, 2, 3)).min() > 0
    assert method.signed or (maps >= 0).all()
    if not isinstance(method, SmoothGrad):
        one = method(score, some.take(torch.tensor([2])))
        torch.testing.assert_close(one[0], maps[2], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("method", GRADIENTS, ids=[m.name for m in GRADIENTS])
def test_heat_is_where_the_truth_is(method):
    score = SquareScore(8, 16)
    torch.manual_seed(0)
    maps = method(score, seen(torch.rand(3, 3, 2, SIZE, SIZE))).abs().numpy()
    inside = score.inside()
    share = maps[:, inside].sum(axis=1) / maps.sum(axis=(1, 2, 3))
    least = 0.5 if isinstance(method, Occlusion) else 0.999
    assert (share > least).all()


def test_integrated_gradients_sum_to_the_difference():
    score, images = network_score(mri=volume_encoder())
    some = seen(images["mri"])
    maps = IntegratedGradients(n_steps=64)(score, some)
    total = score(some.images, some.rows) - score(some.reference, some.rows)
    torch.testing.assert_close(maps.sum(dim=(1, 2, 3)), total.detach(), rtol=1e-2, atol=1e-5)


def test_saliency_is_captums():
    score, images = network_score(mri=slices_encoder())
    some = seen(images["mri"])
    theirs = captum.attr.Saliency(score).attribute(
        some.images.clone().requires_grad_(), additional_forward_args=(some.rows,)
    )
    torch.testing.assert_close(Saliency()(score, some), theirs.sum(dim=2), rtol=0, atol=1e-6)


@pytest.mark.parametrize("encoder", [slices_encoder, volume_encoder])
def test_grad_cam_is_captums_in_both_directions(encoder):
    score, images = network_score(mri=encoder(), ct=encoder())
    some = seen(images["mri"])
    layer = score.network.encoders["mri"].backbone.layers[3]
    found = maps_at(score, layer, some.images, some.rows)
    weights = found.gradients[0].flatten(2).mean(dim=2)
    ours = torch.einsum("ic,ic...->i...", weights, found.values[0])
    theirs = captum.attr.LayerGradCam(score, layer).attribute(
        some.images, additional_forward_args=(some.rows,), relu_attributions=False
    )
    torch.testing.assert_close(ours, theirs[:, 0].detach(), rtol=0, atol=1e-6)
    whole = GradCam(layer)(score, some)
    assert whole.shape == (4, 3, SIZE, SIZE)
    assert (whole.sign().sum(dim=(1, 2, 3)) != 0).all()


def test_grad_cam_plus_plus_is_monais():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    model.append(nn.Linear(4, 1))
    with torch.no_grad():
        # MONAI adds 1e-7 to squares of gradients: these are to be far larger.
        model[-1].weight.mul_(300)
    images = torch.rand(1, 2, SIZE, SIZE)
    theirs = GradCAMpp(model, "1", postprocessing=lambda x: x)(images, class_idx=0)
    values = model[:2](images).detach().requires_grad_()
    gradients = torch.autograd.grad(model[2:](values).sum(), values)[0]
    ours = evidence(values.detach(), gradients)
    # MONAI's is that of an exponential, which is larger everywhere alike.
    theirs = theirs[0].detach()
    torch.testing.assert_close(ours / ours.max(), theirs / theirs.max(), rtol=1e-3, atol=1e-4)


def test_grad_cam_of_one_input_looks_at_its_own_encoder():
    score, images = network_score(mri=slices_encoder(), ct=slices_encoder())
    some = seen(images["mri"])
    layer = finest_deep_layer(score, some.images, some.rows)
    assert layer in set(score.network.encoders["mri"].modules())
    before = GradCam()(score, some)
    score.others.features["ct"].mul_(0.5)
    assert GradCam(layer)(score, some).shape == before.shape


def test_a_layer_that_is_not_called_is_refused():
    score, images = network_score(mri=slices_encoder())
    with pytest.raises(ValueError, match="does not call this layer"):
        GradCam(nn.ReLU())(score, seen(images["mri"]))


def test_attention_of_the_pooling_is_the_weight_of_each_slice():
    score, images = network_score(mri=slices_encoder(attention=True))
    images["mri"][1, 2] = 0
    maps = MilAttention()(score, seen(images["mri"]))
    by_slice = maps.sum(dim=(2, 3))
    torch.testing.assert_close(by_slice.sum(dim=1), torch.ones(4))
    assert by_slice[1, 2] == 0
    assert np.ptp(by_slice[0].numpy()) > 0
    other, _ = network_score(mri=slices_encoder())
    with pytest.raises(ValueError, match="0 attention poolings"):
        MilAttention()(other, seen(images["mri"]))


def test_rollout_of_a_transformer():
    score, images = network_score(mri=transformer_encoder())
    maps = AttentionRollout()(score, seen(images["mri"]))
    assert maps.shape == (4, 3, SIZE, SIZE)
    assert maps.std() > 0
    other, _ = network_score(mri=slices_encoder())
    with pytest.raises(ValueError, match="no vision transformer"):
        AttentionRollout()(other, seen(images["mri"]))


def test_rollout_by_hand():
    # All look at patch 0: half of it comes by attention, the rest by the skip.
    attention = torch.zeros(1, 1, 2, 2)
    attention[..., 0] = 1
    torch.testing.assert_close(rolled_out([attention]), torch.tensor([[0.75, 0.25]]))
    torch.testing.assert_close(rolled_out([attention] * 2), torch.tensor([[0.875, 0.125]]))


def test_images_and_reference_belong_together():
    images = torch.rand(2, 1, 1, 8, 8)
    with pytest.raises(ValueError, match="alike"):
        SeenImages(images, images[:1], torch.arange(2))
    with pytest.raises(ValueError, match=r"rows must be \(2,\)"):
        SeenImages(images, images, torch.arange(3))
