"""Training the heads of a segmentation branch: the published per-pixel MLPs, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from backend.editing.progress import Progress, ProgressCallback, no_progress
from backend.models.segmentation import SegmentationBranch, hidden_sizes


class TrainingHeads(nn.Module):
    """K MLPs of Linear, ReLU, BatchNorm, as published; batched over K."""

    def __init__(self, inputs: int, classes: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        sizes = (inputs, *hidden_sizes(classes), classes)
        self.weights = nn.ParameterList(
            nn.Parameter(torch.randn(heads, i, o) * 0.02) for i, o in pairwise(sizes)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(heads, 1, o)) for o in sizes[1:])
        self.norms = nn.ModuleList(nn.BatchNorm1d(heads * o) for o in sizes[1:-1])

    def forward(self, x: Tensor) -> Tensor:  # (K, N, inputs) -> (K, N, classes)
        for weight, bias, norm in zip(self.weights, self.biases, self.norms, strict=False):
            x = F.relu(torch.baddbmm(bias, x, weight))
            k, n, c = x.shape
            x = norm(x.transpose(0, 1).reshape(n, k * c)).reshape(n, k, c).transpose(0, 1)
        return torch.baddbmm(self.biases[-1], x, self.weights[-1])

    @torch.no_grad()
    def folded_into(self, branch: SegmentationBranch, channels: Sequence[int]) -> None:
        """Copy the weights into a branch, each batch norm folded into the next linear layer."""
        weights, biases = [w.clone() for w in self.weights], [b.clone() for b in self.biases]
        for i, norm in enumerate(self.norms):
            assert isinstance(norm, nn.BatchNorm1d) and norm.running_var is not None
            assert norm.running_mean is not None
            gain = norm.weight / (norm.running_var + norm.eps).sqrt()
            shift = (norm.bias - norm.running_mean * gain).reshape(self.heads, 1, -1)
            biases[i + 1] += shift @ weights[i + 1]
            weights[i + 1] *= gain.reshape(self.heads, -1, 1)
        # (K, inputs, h0) -> one (K * h0, channels) matrix per feature map
        for target, part in zip(branch.weight0, weights[0].split(list(channels), 1), strict=True):
            target.copy_(part.transpose(1, 2).reshape(-1, part.shape[1]))
        branch.bias0.copy_(biases[0].flatten())
        for name, value in (("1", 1), ("2", 2)):
            getattr(branch, f"weight{name}").copy_(weights[value])
            getattr(branch, f"bias{name}").copy_(biases[value])


def train_heads(
    rows: Tensor,
    labels: Tensor,
    prior: Tensor,
    *,
    heads: int = 10,
    steps: int = 2000,
    batch: int = 64,
    device: torch.device | None = None,
    quiet: bool = False,
    progress: ProgressCallback = no_progress,
) -> TrainingHeads:
    """Train K heads on rows (N, D) and labels (N,), each with its own random pixels.

    prior: (classes,), added to the logits afterwards: log of how much commoner each class is in
    pictures than among the rows makes them speak of pictures, though small parts were drawn more
    often (logit adjustment, Menon et al. 2021). rows and labels stay where they are; device: where
    the heads learn, and are returned.
    """
    network = TrainingHeads(rows.shape[1], len(prior), heads).to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in tqdm(range(steps), desc="heads", unit="step", disable=quiet or None):
        progress(Progress(step / steps, "Learning the parts"))
        picked = torch.randint(len(rows), (heads, batch))
        logits = network(rows[picked].to(device).float())
        loss = F.cross_entropy(logits.flatten(0, 1), labels[picked].flatten().to(device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        decay.step()
    with torch.no_grad():
        network.biases[-1] += prior.to(network.biases[-1])
    return network.eval()
