"""Loading a bundle's networks, and writing them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from backend.bundles.bundle import Bundle
from backend.errors import BadBundle
from backend.models.codes import CodeDistribution
from backend.models.encoder import Encoder
from backend.models.fpn_encoder import FpnEncoder
from backend.models.generator import Generator
from backend.models.identity import FaceNet, IdentityNetwork, MobileFaceNet
from backend.models.mask_network import MaskNetwork
from backend.models.parser import FaceParser
from backend.models.perceptual import LpipsFeatures, PerceptualNetwork, SqueezeNetFeatures
from backend.models.picture_network import PictureNetwork
from backend.models.psp_encoder import PspEncoder
from backend.models.segmentation import SegmentationBranch
from protocol.paths import data_dir

N = TypeVar("N", bound=nn.Module)

AnyEncoder = Encoder | PspEncoder | FpnEncoder


@dataclass(frozen=True)
class Networks:
    """A bundle's networks, frozen, in evaluation mode, on one device. identity and parser are for
    faces only, and not every bundle has them."""

    generator: Generator
    segmentation: SegmentationBranch
    encoder: AnyEncoder
    perceptual: PerceptualNetwork
    identity: IdentityNetwork | None
    parser: FaceParser | None = None

    @torch.no_grad()
    def picture_and_labels(self, w_plus: Tensor) -> tuple[Tensor, Tensor]:
        """(1, n_ws, w_dim) -> the picture (1, 3, R, R) and its labels, uint8 (L, L)."""
        image, features = self.generator(w_plus)
        return image, self.segmentation.labels(features)


def _load(network: N, path: Path) -> N:
    """Fill a network from a safetensors file (any float precision); raises BadBundle."""
    with _fitting(path):
        state = _joined({k: v.float() for k, v in load_file(path).items()})
        if not all(torch.isfinite(v).all() for v in state.values()):
            raise BadBundle(
                f"{path.name} holds numbers that are not finite; fetch the bundle again."
            )
        network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def _joined(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights that were written as two factors (`within_codes`), multiplied."""
    for left in [key for key in state if key.endswith(".left")]:
        name = left.removesuffix("left")
        state[f"{name}weight"] = state.pop(left) @ state.pop(f"{name}right")
    return state


def load_from(kind: Callable[[Path], N], path: Path) -> N:
    """A network that reads its own weights, such as SqueezeNetFeatures; raises BadBundle."""
    with _fitting(path):
        return kind(path)


@contextlib.contextmanager
def _fitting(path: Path) -> Iterator[None]:
    """Turns what is wrong with a file of weights into BadBundle."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, SafetensorError, UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise BadBundle(
            f"{path} does not hold the weights that belong there ({reason}); fetch it again."
        ) from error


def weights_file(name: str) -> Path | None:
    """Optional large weights that the user put into `data_dir()/weights`."""
    path = data_dir() / "weights" / name
    return path if path.is_file() else None


def load_networks(bundle: Bundle, device: torch.device) -> Networks:
    """Load all networks of a bundle onto a device; raises BadBundle, IncompleteBundle."""
    bundle.check_complete()
    branch = load_segmentation(bundle)
    networks = Networks(
        generator=load_generator(bundle),
        segmentation=branch.to(device),
        encoder=load_encoder(bundle),
        perceptual=load_perceptual(bundle),
        identity=load_identity(bundle),
        parser=load_parser(bundle),
    )
    for network in vars(networks).values():
        if network is not None and network is not branch:
            network.to(device).to(memory_format=torch.channels_last)
    return networks


def load_generator(bundle: Bundle) -> Generator:
    """The generator, with the distribution of codes that samples come from, where there is one."""
    generator = _load(Generator(bundle.config), bundle.checked_path("generator"))
    if bundle.has("codes"):
        config = bundle.config
        mean = torch.empty(config.n_ws, config.w_dim)
        codes = CodeDistribution(mean, torch.empty(config.z_dim, *mean.shape))
        generator.codes = _load(codes, bundle.checked_path("codes"))
    return generator


def load_encoder(bundle: Bundle) -> AnyEncoder:
    """Raises BadBundle; IncompleteBundle where the encoder is yet to be trained."""
    if not bundle.has("encoder"):
        bundle.check_complete()
    path = bundle.checked_path("encoder")
    if bundle.encoder == "residual":
        return _load(Encoder(bundle.config), path)
    with _fitting(path):
        state = load_file(path)
        if bundle.encoder == "fpn":
            return _load(FpnEncoder.fitting(state), path)
        if bundle.encoder in ("psp", "e4e"):
            return _load(PspEncoder.fitting(state, offsets=bundle.encoder == "e4e"), path)
    raise BadBundle(
        f"The bundle '{bundle.name}' has an encoder of the kind '{bundle.encoder}', which this "
        "version does not know. Update EditGAN."
    )


def load_own_encoder(bundle: Bundle) -> Encoder:
    """The encoder to train further; raises BadBundle for one that was imported."""
    encoder = load_encoder(bundle)
    if not isinstance(encoder, Encoder):
        raise BadBundle(
            f"The encoder of '{bundle.name}' was imported and is trained already; only EditGAN's "
            "own can be trained on."
        )
    return encoder


def load_segmentation(bundle: Bundle) -> SegmentationBranch:
    """Raises BadBundle."""
    return _load(new_segmentation_branch(bundle), bundle.checked_path("segmentation"))


def new_segmentation_branch(bundle: Bundle) -> SegmentationBranch:
    """An untrained branch of the shape that the bundle's parts and generator ask for."""
    config = bundle.config
    return SegmentationBranch(config.feature_channels, len(bundle.parts), config.resolution)


def load_picture_network(path: Path, conditions: int = 0) -> PictureNetwork:
    """A feed-forward network that changes pictures; raises BadBundle."""
    return _load(PictureNetwork(conditions), path)


def load_mask_network(path: Path, parts: int) -> MaskNetwork:
    """A network that paints label maps of so many parts; raises BadBundle."""
    return _load(MaskNetwork(parts), path)


def load_perceptual(bundle: Bundle) -> PerceptualNetwork:
    """LPIPS when VGG16's weights are at hand, else the bundle's stand-in; raises BadBundle."""
    vgg = weights_file("vgg16.pth")
    if vgg is not None:
        return load_from(LpipsFeatures, vgg)
    if not bundle.has("perceptual"):
        raise BadBundle(
            f"The bundle '{bundle.name}' has no perceptual network, and {data_dir() / 'weights'} "
            "holds no vgg16.pth; add one of them."
        )
    return load_from(SqueezeNetFeatures, bundle.checked_path("perceptual"))


def load_identity(bundle: Bundle) -> IdentityNetwork | None:
    """FaceNet when its weights are at hand, else the bundle's network; None outside faces."""
    if bundle.domain != "faces":
        return None
    facenet = weights_file("20180402-114759-vggface2.pt")
    if facenet is not None:
        return load_from(FaceNet, facenet)
    if not bundle.has("identity"):
        return None
    return load_from(MobileFaceNet, bundle.checked_path("identity"))


def load_parser(bundle: Bundle) -> FaceParser | None:
    """What finds the parts of a photo itself; None where the bundle has none."""
    return _load(FaceParser(), bundle.checked_path("parser")) if bundle.has("parser") else None


def save_network(network: nn.Module, path: Path, *, half: bool = True) -> None:
    """Write weights as safetensors, in half precision unless told otherwise; what is too large for
    it, as a variance can be, stays in single precision."""
    save_state(network.state_dict(), path, half=half)


def save_state(state: Mapping[str, Tensor], path: Path, *, half: bool = True) -> None:
    """Write tensors as `save_network` does."""
    own = {k: v.detach().cpu().contiguous() for k, v in state.items()}
    save_file({k: _halved(v) if half else v.float() for k, v in own.items()}, path)
    path.chmod(0o644)  # safetensors makes files that only their owner may read


def _halved(weights: Tensor) -> Tensor:
    small = weights.half()
    return small if small.isfinite().all() else weights.float()
