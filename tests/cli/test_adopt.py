"""`editgan adopt`: every step on tiny networks, and that none is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_files import write_nvidia
from cli_harness import Outcome, Run, make_bundle
from PIL import Image
from safetensors.torch import load_file
from stylegan_reference import Generator as Original

from backend.bundles import find_bundle
from backend.bundles.bundle import write_bundle_json
from backend.bundles.networks import load_networks
from backend.training.adopting import own_samples, parts
from backend.training.adopting.progress import Adoption


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(4)
    original = Original(channels=(16, 16, 16, 8)).eval().requires_grad_(False)
    write_nvidia(tmp_path / "snapshot.pkl", original)
    return tmp_path / "snapshot.pkl"


@pytest.fixture
def own(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Commands with a teacher called `squares` among this test's own models."""
    (home / "bundles").unlink()
    (home / "bundles").mkdir()
    make_bundle(home / "bundles" / "squares")
    monkeypatch.setattr(own_samples, "_HELD_OUT", range(900_000, 900_002))
    yield run


def adopt(own: Run, checkpoint: Path, *more: object) -> Outcome:
    words = ("adopt", checkpoint, "--name", "mine", "--teacher", "squares", "--domain", "squares")
    words += ("--encoder-images", 8, "--batch", 4, "--labelled", 8, "--heads-steps", 4)
    return own(*words, "--preset-steps", 0, "--device", "cpu", *more)


def test_from_a_checkpoint_to_a_model_that_opens_photos(
    own: Run, checkpoint: Path, photo: Path, tmp_path: Path
) -> None:
    done = adopt(own, checkpoint, "--json")
    assert done.code == 0, done.err
    assert "This takes about" in done.json["estimate"] and done.json["missing"] == []
    assert done.json["encoder"]["images"] == 8
    bundle = find_bundle("mine")
    assert [part.name for part in bundle.parts] == ["background", "fur", "eyes"]
    card = (bundle.folder / "MODEL_CARD.md").read_text()
    assert "taught by the model 'squares' on 8 samples" in card
    assert (bundle.folder / "samples.jpg").is_file() and bundle.verify() == []
    segment = ("segment", photo, "--bundle", "mine", "-o", tmp_path / "p.png", "--level", "fast")
    assert own(*segment).code == 0


def test_parts_are_compared_with_labels_made_by_hand(
    own: Run, checkpoint: Path, photo: Path, home: Path, tmp_path: Path
) -> None:
    labelled = tmp_path / "labelled"
    labelled.mkdir()
    (labelled / "classes.json").write_text('["eyes", "hat", "background"]')
    shutil.copy(photo, labelled / "1.png")
    drawn = np.full((70, 90), 2, np.uint8)
    drawn[:, :45], drawn[:20] = 0, 1
    Image.fromarray(drawn).save(labelled / "1_parts.png")
    done = adopt(own, checkpoint, "--check", labelled, "--json")
    assert done.code == 0, done.err
    checked = done.json["checked"]
    assert checked["pictures"] == 1 and set(checked["iou"]) == {"background", "eyes"}
    assert checked["unknown"] == ["hat"]
    assert "the model has no such part: hat." in adopt(own, checkpoint, "--check", labelled).out
    # the same by hand: the middle square, the hat's rows unknown
    networks = load_networks(find_bundle("mine"), torch.device("cpu"))
    code = load_file(home / "adopting/mine/checked.safetensors")["1"]
    found = networks.segmentation.labels(networks.generator(code)[1]).numpy()
    side = len(found)
    wanted = np.full((side, side), 255)
    wanted[:, : side // 2], wanted[:, side // 2 :] = 2, 0
    wanted[: round(side * 20 / 70)] = 255
    known = wanted != 255
    for part, name in ((0, "background"), (2, "eyes")):
        a, b = found[known] == part, wanted[known] == part
        assert checked["iou"][name] == pytest.approx((a & b).sum() / (a | b).sum(), abs=0.05)
    assert "hand, on 1 photographs" in (find_bundle("mine").folder / "MODEL_CARD.md").read_text()


def test_an_interrupted_adoption_goes_on(
    own: Run, checkpoint: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(parts, "label_samples", stop)
        assert adopt(own, checkpoint).code == 130
    run = home / "adopting" / "mine"
    assert json.loads((run / "adoption.json").read_text())["done"] == ["import", "encoder"]
    assert find_bundle("mine").missing == ["segmentation"]
    before = find_bundle("mine").files["encoder.safetensors"]
    done = adopt(own, checkpoint, "--json")
    assert done.code == 0, done.err
    assert find_bundle("mine").files["encoder.safetensors"] == before
    assert done.json["missing"] == [] and "encoder" not in done.json["hours"]
    again = adopt(own, checkpoint, "--json")
    assert again.code == 0 and again.json["estimate"] == "Everything is done."


def test_the_encoder_goes_on_within_its_step_to_the_same_weights(
    own: Run, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert adopt(own, checkpoint, "--estimate", "--quiet").code == 0
    bundle, folder = find_bundle("mine"), checkpoint.parent
    course = own_samples.Course(until=12, batch=4, at_once=2)
    at_once = own_samples.learn_encoder(bundle, folder / "whole", course, quiet=True)
    whole = find_bundle("mine").files["encoder.safetensors"]
    bundle.path("encoder").unlink()
    step, taken = own_samples.SampleTrainer.step, []

    def interrupted(self: own_samples.SampleTrainer, *args: object) -> dict[str, float]:
        losses = step(self, *args)  # type: ignore[arg-type]
        taken.append(losses)
        if len(taken) == 2:
            raise KeyboardInterrupt
        return losses

    monkeypatch.setattr(own_samples.SampleTrainer, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        own_samples.learn_encoder(bundle, folder / "parts", course, quiet=True)
    assert own_samples.samples_seen(folder / "parts") == 8  # an estimate counts the rest only
    assert own_samples.samples_seen(folder / "nothing") == 0
    resumed = own_samples.learn_encoder(bundle, folder / "parts", course, quiet=True)
    assert len(taken) == 3 and resumed == at_once
    assert find_bundle("mine").files["encoder.safetensors"] == whole


def test_an_estimate_does_nothing_else(own: Run, checkpoint: Path) -> None:
    done = adopt(own, checkpoint, "--estimate")
    assert done.code == 0 and "This takes about" in done.out, done.err
    assert find_bundle("mine").missing == ["encoder", "segmentation"]


def test_what_is_said_later_of_a_model_counts(own: Run, checkpoint: Path) -> None:
    """As after an estimate, in which it was taken for something else."""
    words = ("adopt", checkpoint, "--name", "mine", "--device", "cpu", "--estimate")
    assert own(*words).code == 0
    assert find_bundle("mine").domain == "other" and find_bundle("mine").crop == "square"
    done = own(*words, "--domain", "faces", "--title", "Mine", "--license", "CC0")
    assert done.code == 0 and "parts" in done.out, done.err
    bundle = find_bundle("mine")
    assert (bundle.domain, bundle.crop, bundle.title, bundle.license) == (
        "faces", "ffhq", "Mine", "CC0",
    )  # fmt: skip
    assert bundle.has("identity") and bundle.verify() == []


def test_a_finished_step_says_what_it_was_made_with(
    own: Run, checkpoint: Path, photo: Path, tmp_path: Path
) -> None:
    assert adopt(own, checkpoint).code == 0
    again = adopt(own, checkpoint)
    assert again.code == 0 and "stays as it was made" not in again.err
    other = adopt(own, checkpoint, "--labelled", 9, "--license", "CC0")
    assert "parts: stays as it was made with --labelled 8; to begin anew" in other.err
    assert find_bundle("mine").license.startswith("CC0. Parts learned from the model 'squares'")
    found = []
    for name, part in (("a", 1), ("b", 2)):  # other labels are compared anew
        (tmp_path / name).mkdir()
        (tmp_path / name / "classes.json").write_text('["background", "fur", "eyes"]')
        shutil.copy(photo, tmp_path / name / "1.png")
        Image.fromarray(np.full((70, 90), part, np.uint8)).save(tmp_path / name / "1_parts.png")
        found.append(adopt(own, checkpoint, "--check", tmp_path / name, "--json").json["checked"])
    assert found[0] != found[1]


def test_without_a_teacher_it_says_what_is_still_to_do(own: Run, checkpoint: Path) -> None:
    words = ("adopt", checkpoint, "--name", "mine", "--domain", "spoons", "--encoder-images", 4)
    done = own(*words, "--batch", 4, "--device", "cpu")
    assert done.code == 0, done.err
    assert "still lacks its segmentation (docs/own-model.md)" in done.out


def test_another_file_under_the_same_name(own: Run, checkpoint: Path, home: Path) -> None:
    Adoption(home / "adopting" / "mine", "0" * 64).begin()
    refused = adopt(own, checkpoint)
    assert refused.code == 2 and "adoption of another file" in refused.err
    nothing = adopt(own, checkpoint.with_name("none.pkl"))
    assert nothing.code == 2 and "There is no file" in nothing.err


def test_a_model_of_that_name_is_gone_on_with_only_if_it_is_the_same(
    own: Run, checkpoint: Path, home: Path
) -> None:
    assert own("import", checkpoint, "--bundle", "mine").code == 0
    make_bundle(home / "bundles" / "another")
    parts = find_bundle("another").path("segmentation")
    words = ("adopt", checkpoint, "--name", "another", "--domain", "squares", "--device", "cpu")
    refused = own(*words)
    assert refused.code == 2 and "There is a model 'another' already" in refused.err
    assert not (home / "adopting" / "another").exists() and parts.is_file()
    done = adopt(own, checkpoint, "--json")
    assert done.code == 0, done.err
    bundle = find_bundle("mine")
    assert bundle.domain == "squares" and bundle.missing == []


def test_what_reads_photos_is_taken_over_from_the_teacher(
    own: Run, checkpoint: Path, home: Path
) -> None:
    squares = find_bundle("squares")
    for network, builtin in (("parser", "faces"), ("detector", "cats")):
        squares.path(network).symlink_to(find_bundle(builtin).path(network))
    write_bundle_json(replace(squares, license="CC0 squares"))
    done = adopt(own, checkpoint, "--json", "--license", "Mine alone.")
    assert done.code == 0, done.err
    bundle = find_bundle("mine")
    for network in ("parser", "detector"):
        assert bundle.checked_path(network).read_bytes() == squares.path(network).read_bytes()
    assert "Mine alone. Parts learned from the model 'squares': CC0 squares" in bundle.license
