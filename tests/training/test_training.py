"""Training on a few small pictures: it learns, and it resumes exactly."""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from backend.bundles import find_bundle
from backend.bundles.bundle import read_bundle
from backend.bundles.networks import load_encoder, load_generator, load_networks
from backend.cli import main
from backend.commands.train import bundle as bundle_command
from backend.commands.train import generator
from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder
from backend.models.letterbox import GREY
from backend.models.pictures import grid, to_float
from backend.models.segmentation import SegmentationBranch
from backend.training import best, generator_run
from backend.training.augment import Augmentation
from backend.training.config import TrainingConfig
from backend.training.critic import close_up
from backend.training.dataset import AlignedDataset
from backend.training.heads import TrainingHeads
from backend.training.trainer import GeneratorTrainer
from backend.training.views import focus_map
from protocol.errors import UserError

CONFIG = GeneratorConfig(resolution=32, channel_base=512, channel_max=32, z_dim=16, w_dim=16)
PERCEPTUAL = find_bundle("faces").path("perceptual")


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A narrow encoder, and a basis of W from 64 pictures: most of a tiny run's time else."""
    monkeypatch.setitem(Encoder.__init__.__kwdefaults__, "base", 8)
    monkeypatch.setattr(generator_run, "_BASIS_BATCHES", 16)


def words_for(aligned: Path, run: Path, until: int, *more: object) -> list[str]:
    words = ["--images", aligned, "-o", run, "--perceptual", PERCEPTUAL, "--until", until]
    words += ["--save-every", 8, "--batch", 4, "--adversarial-from", 16]
    words += ["--resolution", 32, "--channel-base", 512, "--channel-max", 32]
    words += ["--discriminator-from", 8, "--shared-from", 8, "--z-dim", 16, "--w-dim", 16]
    words += ["--close-up-weight", 0.2]
    return [str(word) for word in [*words, *more]]


def arguments(aligned: Path, run: Path, until: int, *more: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    generator.add_arguments(parser)
    parser.set_defaults(quiet=True)
    return parser.parse_args(words_for(aligned, run, until, *more))


def bundling(aligned: Path, run: Path, folder: Path) -> argparse.Namespace:
    card = Path(find_bundle("faces").folder.parent / "faces.card.json")
    parser = argparse.ArgumentParser()
    bundle_command.add_arguments(parser)
    words = ["--run", run, "-o", folder, "--card", card, "--perceptual", PERCEPTUAL]
    words += ["--images", aligned]
    parser.set_defaults(quiet=True)
    return parser.parse_args([str(w) for w in words])


def held_out(folder: Path) -> Path:
    """A list of four pictures that are not trained on."""
    path = folder / "held.txt"
    path.write_text("\n".join(f"discs/{i}" for i in range(4)))
    return path


def weights(run: Path) -> dict[str, torch.Tensor]:
    state = torch.load(run / "state.pt", weights_only=True)
    networks = {n: state[n] for n in ("generator", "encoder", "averages")}
    critics = [critic for views in state["critics"].values() for critic in views]
    networks |= {f"critic {i}": c["discriminator"] for i, c in enumerate(critics)}
    assert "critic 1" in networks  # of the whole picture, and of the close-up
    return {f"{n}.{k}": v for n, network in networks.items() for k, v in network.items()}


def test_quiet_holds_back_the_progress_and_not_the_report(
    aligned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "generator", *words_for(aligned, tmp_path / "run", 12)]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert "img" in shown.err and "One w for all layers" in shown.err
    assert "seen: 12" in shown.out
    command = ["train", "generator", *words_for(aligned, tmp_path / "quiet", 12), "--quiet"]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "seen: 12" in shown.out


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(
    aligned: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    held = held_out(tmp_path)
    generator.run(arguments(aligned, whole, 24, "--held-out", held))
    for until in (8, 16, 24):
        report = generator.run(arguments(aligned, parts, until, "--held-out", held))
    assert report.seen == 24
    bests = [torch.load(run / "best.pt", weights_only=True) for run in (whole, parts)]
    assert bests[0]["seen"] == bests[1]["seen"] and bests[0]["distance"] == bests[1]["distance"]
    a, b = weights(whole), weights(parts)
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name
    assert (whole / "sheet-00000024.png").exists()


def test_the_best_networks_are_kept_and_become_the_bundle(
    aligned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, distances = tmp_path / "run", iter([5.0, 3.0, 4.0, 6.0])
    monkeypatch.setattr(best, "reconstruction_distance", lambda *_: next(distances))
    more = "--held-out", held_out(tmp_path)
    generator.run(arguments(aligned, run, 24, *more))
    kept = torch.load(run / "best.pt", weights_only=True)
    assert (kept["seen"], kept["distance"], kept["photos"]) == (16, 3.0, 4)
    generator.run(arguments(aligned, run, 32, *more))  # a later part of the run does not forget
    assert torch.load(run / "best.pt", weights_only=True)["seen"] == 16
    assert bundle_command.run(bundling(aligned, run, tmp_path / "best")).images_seen == 16
    last = bundle_command.run(bundling(aligned, run / "state.pt", tmp_path / "last"))
    assert last.images_seen == 32


def test_a_closer_generator_has_the_smaller_distance(aligned: Path) -> None:
    trainer = GeneratorTrainer(CONFIG, TrainingConfig(batch=8, adversarial_from=10**9), PERCEPTUAL)
    data = AlignedDataset(aligned)
    kept = best.BestKept(aligned, trainer, data.batch(np.arange(8), 32))
    batches, first = data.batches(8, 32, 0, 0), kept.offer()
    for _ in range(15):
        trainer.step(next(batches))
    assert kept.offer() < first and kept.distance < first


def test_reconstruction_learns(aligned: Path) -> None:
    trainer = GeneratorTrainer(CONFIG, TrainingConfig(batch=8, adversarial_from=10**9), PERCEPTUAL)
    batches = AlignedDataset(aligned).batches(8, 32, 0, 0)
    losses = [trainer.step(next(batches))["mse"] for _ in range(15)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


class Colors:
    """An identity that is in the colours of the picture's four quarters."""

    name = "colours"

    def embed(self, image: torch.Tensor) -> torch.Tensor:
        return F.normalize(F.adaptive_avg_pool2d(image.float(), 2).flatten(1), dim=1)


def test_identity_is_learnt() -> None:
    settings = TrainingConfig(mse_weight=0.0, perceptual_weight=0.0, identity_weight=2.0)
    trainer = GeneratorTrainer(CONFIG, settings, PERCEPTUAL, Colors())
    real = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    losses = [trainer.step(real)["identity"] for _ in range(30)]
    assert 0.0 <= np.mean(losses[-5:]) < 0.5 * losses[0] <= 2.0


def test_a_close_up_shows_the_middle_half_enlarged() -> None:
    image = torch.zeros(1, 1, 32, 32)
    image[..., 11:27, 8:24] = 1.0
    assert close_up(image).shape == image.shape and close_up(image).min() == 1.0
    assert close_up(1 - image).max() == 0.0


def test_what_is_seen_close_up_is_learnt() -> None:
    only = TrainingConfig(mse_weight=0.0, perceptual_weight=0.0, close_up_weight=1.0)
    trainer = GeneratorTrainer(CONFIG, only, PERCEPTUAL)
    real = torch.full((4, 3, 32, 32), -0.6)
    real[:, 0] = 0.9
    losses = [trainer.step(real)["perceptual"] for _ in range(15)]
    assert np.mean(losses[-5:]) < 0.92 * losses[0]


def test_drawn_codes_are_like_the_recent_ones() -> None:
    trainer = GeneratorTrainer(CONFIG, TrainingConfig(), PERCEPTUAL)
    torch.manual_seed(1)
    shape = (CONFIG.n_ws, CONFIG.w_dim)
    mixing = torch.randn(3, *shape)  # of 3 directions only
    trainer.codes = 5 + torch.einsum("bk,knw->bnw", torch.randn(600, 3), mixing)
    drawn = trainer._draw(torch.randn(4000, 600))
    assert drawn.shape == (4000, *shape)
    torch.testing.assert_close(drawn.mean(0), trainer.codes.mean(0), rtol=0, atol=0.15)
    torch.testing.assert_close(drawn.std(0), trainer.codes.std(0), rtol=0.1, atol=0.05)
    assert torch.linalg.matrix_rank((drawn[:200] - 5).flatten(1).double(), rtol=1e-4) == 3


def test_pictures_of_drawn_codes_are_judged_from_their_time_on(aligned: Path) -> None:
    shown: list[int] = []
    settings = TrainingConfig(batch=4, discriminator_from=0, adversarial_from=4, drawn_from=8)
    trainer = GeneratorTrainer(CONFIG, settings, PERCEPTUAL)
    trainer.generator.register_forward_hook(lambda _, given, __: shown.append(len(given[0])))
    batches = AlignedDataset(aligned).batches(4, 32, 0, 0)
    losses = [trainer.step(next(batches)) for _ in range(4)]
    assert shown == [4, 4, 6, 6]
    assert "adversarial" not in losses[0] and all(loss["adversarial"] for loss in losses[2:])


def test_rates_fall_to_nothing_at_the_end_of_a_run() -> None:
    settings = TrainingConfig(generator_rate=0.4, encoder_rate=0.2, cool_over=100)
    trainer = GeneratorTrainer(CONFIG, settings, PERCEPTUAL)
    found = []
    for trainer.seen in (0, 900, 950, 1000):
        trainer.cool(1000)
        found.append([group["lr"] for group in trainer.optimiser.param_groups])
    assert found == [[0.4, 0.2], [0.4, 0.2], [0.2, 0.1], [0.0, 0.0]]


def test_a_run_whose_loss_is_no_number_ends_and_keeps_what_it_saved(
    aligned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    generator.run(arguments(aligned, run, 8))
    before = weights(run)
    step = GeneratorTrainer.step
    monkeypatch.setattr(
        GeneratorTrainer, "step", lambda self, real: step(self, real * float("nan"))
    )
    for until in (12, 16):  # where nothing else is saved, and where it is
        with pytest.raises(UserError, match="not finite"):
            generator.run(arguments(aligned, run, until))
    after = weights(run)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_bundle_made_anew_drops_what_belonged_to_another_generator(
    aligned: Path, tmp_path: Path
) -> None:
    run, card = tmp_path / "run", find_bundle("faces").folder.parent / "faces.card.json"
    generator.run(arguments(aligned, run, 8))
    words = ["train", "bundle", "--run", run, "-o", tmp_path / "b", "--images", aligned]
    words += ["--card", card, "--perceptual", PERCEPTUAL, "--quiet"]
    assert main([str(word) for word in words]) == 0
    (tmp_path / "b" / "codes.safetensors").write_bytes(b"of another shape")
    assert main([str(word) for word in (*words, "--compact")]) == 0
    made = read_bundle(tmp_path / "b")
    assert "heads.left" in load_file(made.path("encoder"))
    picture = AlignedDataset(aligned).batch([0], made.resolution)
    drawing, encoder = load_generator(made), load_encoder(made)
    said, codes = encoder(picture, drawing.w_avg), drawing.codes
    assert codes is not None
    unit = F.normalize(codes.basis.flatten(1), dim=1)
    offset = (said - codes.mean).flatten(1)
    torch.testing.assert_close(offset @ unit.t() @ unit, offset, atol=0.02, rtol=0.02)


def test_a_run_starts_from_a_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # its encoder is as wide as they are
    bundle = find_bundle("faces")
    trainer = GeneratorTrainer(bundle.config, TrainingConfig(), PERCEPTUAL)
    trainer.start_from(bundle)
    w_plus = torch.randn(1, bundle.config.n_ws, bundle.config.w_dim)
    expected = load_networks(bundle, torch.device("cpu")).generator(w_plus)[0]
    with torch.no_grad():
        assert torch.equal(
            trainer.generator(w_plus, trainer.generator.constant_noise())[0], expected
        )
    assert trainer.seen == bundle.images_seen and trainer.shared_basis


def test_held_out_pictures_are_never_seen(aligned: Path) -> None:
    held = frozenset({"discs/0", "discs/5"})
    data = AlignedDataset(aligned, exclude=held)
    assert len(data) == 22
    assert not held & {data.names[i] for i in data.kept}


def test_batches_start_anywhere(aligned: Path) -> None:
    data = AlignedDataset(aligned)
    first = data.batches(4, 16, 3, 0)
    skipped = [next(first) for _ in range(7)][-1]
    assert torch.equal(skipped, next(data.batches(4, 16, 3, 24)))


def test_augmentation_of_strength_zero_is_the_identity() -> None:
    image = torch.rand(2, 3, 16, 16) * 2 - 1
    torch.testing.assert_close(Augmentation.draw(2, 0.0)(image), image, rtol=1e-4, atol=1e-4)
    strong = Augmentation.draw(2, 1.0)
    assert not torch.allclose(strong(image), image)
    assert torch.equal(strong(image), strong(image))


def test_grids_fill_up_with_white() -> None:
    sheet = grid(np.zeros((3, 4, 4, 3), np.uint8), 2)
    assert sheet.shape == (8, 8, 3)
    assert sheet[4:, 4:].min() == 255 and sheet[:4].max() == 0


def test_folding_batch_norm_changes_no_number() -> None:
    torch.manual_seed(0)
    channels, classes = [5, 3], 4
    heads = TrainingHeads(sum(channels), classes, 3)
    for norm in heads.norms:
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    heads.eval()
    branch = SegmentationBranch(channels, classes, 8, 3)
    heads.folded_into(branch, channels)
    features = [torch.randn(1, 5, 4, 4), torch.randn(1, 3, 8, 8)]
    full = [F.interpolate(f, size=8, mode="bilinear") for f in features]
    rows = torch.cat([f[0].flatten(1).t() for f in full], dim=1)
    expected = heads(rows.expand(3, -1, -1))
    found = torch.stack(list(branch.map_logits(features)))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_run_becomes_a_bundle_that_draws_samples(aligned: Path, tmp_path: Path) -> None:
    run, folder = tmp_path / "run", tmp_path / "discs"
    generator.run(arguments(aligned, run, 8))
    report = bundle_command.run(bundling(aligned, run, folder))
    bundle = read_bundle(folder)
    assert report.images_seen == bundle.images_seen == 8
    assert bundle.verify() == [] and bundle.has("codes") and not bundle.has("segmentation")
    shapes = {p.name: cv2.imread(str(p)).shape for p in folder.glob("*.[pj][np]g")}
    side = CONFIG.resolution
    assert shapes == {
        "samples.jpg": (4 * side, 16 * side, 3),
        "truncation.jpg": (4 * side, 8 * side, 3),
        "interpolation.jpg": (3 * side, 8 * side, 3),
    }


def test_the_middle_counts_more_and_the_mean_stays() -> None:
    weights = focus_map(32, 4.0)
    assert float(weights.mean()) == pytest.approx(1, abs=1e-5)
    assert float(weights[17, 16] / weights[0, 0]) == pytest.approx(5, rel=0.05)
    assert torch.equal(focus_map(8, 0.0), torch.ones(8, 8))


def test_small_photos_and_large_ones_train_together(aligned: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    images = np.load(aligned / "images.npy")[:8, ::2, ::2]
    np.save(small / "images.npy", images)
    (small / "names.json").write_text(json.dumps([f"small/{i}" for i in range(8)]))
    data = AlignedDataset([aligned, small])
    settings = TrainingConfig(batch=4, discriminator_from=0, adversarial_from=0, drawn_from=10**9)
    trainer = GeneratorTrainer(CONFIG, settings, PERCEPTUAL)
    batches = data.batches(4, 32, 0, 0)
    sides = set()
    for _ in range(8):
        batch = next(batches)
        sides.add(batch.shape[-1])
        assert all(loss.isfinite() for loss in trainer.step(batch).values())
    assert sides == {16, 32} == set(trainer.views)
    again = GeneratorTrainer(CONFIG, settings, PERCEPTUAL)
    again.restore(trainer.state())
    state = again.views[16][0].critic.state()["discriminator"]
    expected = trainer.views[16][0].critic.state()["discriminator"]
    assert all(torch.equal(state[k], v) for k, v in expected.items())


def test_bars_of_a_letterbox_teach_nothing(aligned: Path) -> None:
    """Whatever the generator draws in the bars, losses and gradients are the same."""
    torch.manual_seed(0)
    settings = TrainingConfig(batch=4, discriminator_from=0, adversarial_from=0, shared_from=0)
    trainer = GeneratorTrainer(CONFIG, settings, PERCEPTUAL)
    real = AlignedDataset(aligned).batch(np.arange(4), 32)
    real[:, :, :8] = real[:, :, 24:] = to_float(torch.tensor(GREY))
    drawn = torch.rand(4, 3, 32, 32, requires_grad=True)
    trainer.generator.forward = lambda codes, noise: (drawn, [])  # type: ignore[method-assign]
    losses = trainer._losses(real)
    sum(loss for name, loss in losses.items() if name != "discriminator").backward()
    assert drawn.grad is not None
    bars = drawn.grad.clone()
    bars[:, :, 8:24] = 0
    assert bars.abs().max() == 0 and drawn.grad[:, :, 8:24].abs().max() > 0


def test_a_generator_of_another_shape_is_trained(aligned: Path, tmp_path: Path) -> None:
    run = tmp_path / "wide"
    generator.run(arguments(aligned, run, 8, "--const-size", 3, 4))
    config = torch.load(run / "state.pt", weights_only=True)["config"]
    assert GeneratorConfig(**config).picture_size == (24, 32)
    generator.run(arguments(aligned, run, 12))  # resumed: the shape is the run's own
    assert torch.load(run / "state.pt", weights_only=True)["config"] == config
