"""Channels chosen by a budget, and styles that move only where they should."""

import pytest
import torch

from backend.bundles import find_bundle
from backend.bundles.networks import load_networks
from backend.evaluation.local_editing import LocalEditing, channel_weights
from backend.models.generator import sample_z


def test_the_budget_goes_to_the_channels_that_serve_the_cluster_best() -> None:
    inside, outside = torch.tensor([0.9, 0.5, 0.1]), torch.tensor([0.1, 0.1, 0.8])
    assert channel_weights(inside, outside, 0.1).tolist() == [1, 0, 0]
    assert channel_weights(inside, outside, 0.15).tolist() == pytest.approx([1, 0.5, 0])
    assert channel_weights(inside, outside, 1.0).tolist() == pytest.approx([1, 1, 1])
    assert channel_weights(inside, outside, 0.0).tolist() == [0, 0, 0]


@torch.no_grad()
def test_a_mouth_is_borrowed_and_the_rest_moves_less() -> None:
    networks = load_networks(find_bundle("faces"), torch.device("cpu"))
    generator = networks.generator
    codes = generator.map(sample_z(generator.config, range(6)), truncation=0.7)
    bundle = find_bundle("faces")
    mouth = [bundle.part(name).index for name in bundle.groups["mouth"]]
    method = LocalEditing(networks, codes, mouth)
    assert method.agreement > 0.2
    own, other = codes[:1], codes[1:2]
    before, labels = networks.picture_and_labels(own)
    after = method.edited(own, other)
    assert torch.equal(method.edited(own, own), before)  # nothing to borrow, and no hook is left
    assert torch.equal(generator(own)[0], before)
    change = (after - before).abs().mean(dim=1)[0]
    inside = torch.isin(labels.long(), torch.tensor(mouth))
    assert change[inside].mean() > 2 * change[~inside].mean()
