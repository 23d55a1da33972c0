"""The objective against eqs. 2-5, term by term."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from backend.editing.editor import Editor, OpenPhoto
from backend.editing.objective import EditObjective, EditTarget
from backend.editing.options import Weights
from backend.errors import BadSetting
from backend.models.perceptual import feature_distance


def make_target(photo: OpenPhoto, removed: bool = False) -> EditTarget:
    labels = torch.from_numpy(photo.labels.astype(np.int64))
    region = torch.zeros_like(labels, dtype=torch.bool)
    region[40:52, 24:40] = True
    wanted = labels.clone()
    wanted[42:50, 26:38] = 4
    gone = torch.zeros_like(labels)
    if removed:
        gone[42:46, 26:38] = labels[42:46, 26:38] + 1
    changed = (wanted != labels) | (gone > 0)
    return EditTarget(wanted, region, changed, gone, torch.ones_like(region))


def weighted(losses: torch.Tensor, target: EditTarget) -> torch.Tensor:
    """The mean over the region where pixels that change count three times."""
    counts = (1 + 2 * target.changed.flatten().float()) * target.region.flatten()
    return (counts * losses).sum() / counts.sum()


def generated(editor: Editor, photo: OpenPhoto, shift: float = 0.0):
    w_plus = torch.from_numpy(photo.w_plus)[None]
    torch.manual_seed(0)
    with torch.no_grad():
        return editor.networks.generator(w_plus + shift * torch.randn_like(w_plus))


def test_terms_are_those_of_the_paper(editor: Editor, photo: OpenPhoto) -> None:
    target, weights = make_target(photo), Weights()
    before, _ = generated(editor, photo)
    image, features = generated(editor, photo, 0.2)
    terms = EditObjective(editor.networks, before, target, weights).terms(image, features)
    networks, outside = editor.networks, (~target.region).float()
    a, b = image * outside, before * outside
    perceptual = feature_distance(networks.perceptual.features(a), networks.perceptual.features(b))
    logits = networks.segmentation.logits(features)
    painted = F.cross_entropy(logits, target.labels.flatten(), reduction="none")
    expected = {
        "lpips": 3 * 10 * networks.perceptual.scale * perceptual.sum(),
        "l2": 3 * 5 * (a - b).square().mean(),
        "cross_entropy": weighted(painted, target),
        "identity": 1 - (networks.identity.embed(image) * networks.identity.embed(before)).sum(),
    }
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, rtol=1e-3, atol=1e-5)


def test_outside_terms_vanish_at_the_start(editor: Editor, photo: OpenPhoto) -> None:
    before, features = generated(editor, photo)
    terms = EditObjective(editor.networks, before, make_target(photo), Weights()).terms(
        before, features
    )
    assert float(terms["lpips"]) == pytest.approx(0, abs=1e-6)
    assert float(terms["l2"]) == 0
    assert float(terms["identity"]) == pytest.approx(0, abs=1e-5)
    assert float(terms["cross_entropy"]) > 0


def test_a_lost_pixel_claims_not_to_be_its_old_part(editor: Editor, photo: OpenPhoto) -> None:
    target = make_target(photo, removed=True)
    before, features = generated(editor, photo)
    terms = EditObjective(editor.networks, before, target, Weights()).terms(before, features)
    p = editor.networks.segmentation.logits(features).softmax(1)
    losses = -p.log()[torch.arange(len(p)), target.labels.flatten()]
    removed = target.removed.flatten()
    p_old = p[torch.arange(len(p)), (removed - 1).clamp(min=0)]
    losses = torch.where(removed > 0, -(1 - p_old).clamp(min=1e-6).log(), losses)
    expected = weighted(losses, target)
    torch.testing.assert_close(terms["cross_entropy"], expected, rtol=1e-3, atol=1e-5)
    plain = EditObjective(editor.networks, before, target, Weights(changed=1))
    mean = losses[target.region.flatten()].mean()
    torch.testing.assert_close(plain.cross_entropy(features), mean, rtol=1e-3, atol=1e-5)


def test_weights_are_given_by_name() -> None:
    assert Weights.named({"lpips": 5, "identity": 0}) == Weights(lpips=5, identity=0)
    with pytest.raises(BadSetting, match=r"no weight 'vgg'; the weights are rgb, lpips, l2"):
        Weights.named({"vgg": 1})
    for value in (-1.0, float("nan"), float("inf")):
        with pytest.raises(BadSetting, match="'l2' cannot be"):
            Weights.named({"l2": value})


def test_identity_can_be_left_out(editor: Editor, photo: OpenPhoto) -> None:
    before, features = generated(editor, photo)
    weights = Weights(identity=0)
    terms = EditObjective(editor.networks, before, make_target(photo), weights).terms(
        before, features
    )
    assert "identity" not in terms
