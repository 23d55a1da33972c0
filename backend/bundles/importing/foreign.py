"""What a file is that is no StyleGAN2 generator, told by the names in it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from backend.bundles.importing.checkpoint import BadCheckpoint

_CLASSES = {
    r"pg_modules\.networks_fastgan\..*": "a FastGAN generator, as Projected GAN trains them",
    r"(torch_utils|training)\.networks_stylegan3.*": "a StyleGAN3 generator",
    r"training\.networks\.(G_|D_).*": "a network of a TensorFlow program before StyleGAN2",
    r"tfutil\.Network|network\.Network": "a Progressive GAN of 2018",
    r"diffusers\..*|pytorch_lightning\..*": "no generator of pictures, but another program's model",
}
_FUNCTIONS = re.compile(
    r"(os|posix|nt|sys|subprocess|builtins|__builtin__|importlib|shutil|socket|ctypes|runpy|webbrowser"
    r"|torch\.hub|torch\.serialization|torch\.jit|pickle|types|functools|operator)\."
)
_TENSORS = {
    r"(.*\.)?synthesis\.(input\.(weight|freqs|transform)|L\d+_\d+_\d+\.\w+)": (
        "an alias-free StyleGAN3 generator"
    ),
    r"(.*\.)?synthesis\.feat_\d+\..*|(.*\.)?init\.init\.\d+\.weight_orig": "a FastGAN generator",
    r"(.*\.)?(GE|G)\.blocks\.\d+\.to_noise1\.weight": (
        "a generator of lucidrains' stylegan2-pytorch, whose noise and upsampling are its own"
    ),
    r"(.*\.)?synthesis\.blocks\.\d+\.(epi1|conv0_up)\..*": "a generator of the first StyleGAN",
    r"(.*\.)?g_synthesis\.blocks\..*": "a generator of the first StyleGAN",
    r"(.*\.)?progression\.\d+\.conv1?\..*|(.*\.)?generator\.progression\..*": (
        "a generator of the first StyleGAN"
    ),
    r"(.*\.)?model\.diffusion_model\..*|(.*\.)?down_blocks\.\d+\..*": "a diffusion model",
    r"(.*\.)?backbone\.(voxel|renderer|synthesis)\..*|(.*\.)?superresolution\..*": (
        "a three-dimensional generator (EG3D)"
    ),
    r"(.*\.)?input_layer\.0\.weight": "an encoder of e4e or pSp without its generator",
    r"(.*\.)?FPN_module\..*": "an encoder of EditGAN's release: import its whole folder",
    r"(.*\.)?layers\.0\.weight": (
        "a classifier of EditGAN's or DatasetGAN's release: import its whole folder"
    ),
}


def refuse_name(name: str) -> BadCheckpoint:
    """Why a pickle that names this class or function cannot be read."""
    if name.startswith("dnnlib.tflib."):
        return BadCheckpoint(f"It is a TensorFlow checkpoint, but no network ('{name}').")
    for pattern, what in _CLASSES.items():
        if re.fullmatch(pattern, name):
            return BadCheckpoint(f"It is {what}; only StyleGAN2's generators are read.")
    if _FUNCTIONS.match(name) or not name.rpartition(".")[2][:1].isupper():
        return BadCheckpoint(
            f"It wants to run '{name}', which no StyleGAN2 checkpoint needs; nothing in the file "
            "was executed."
        )
    return BadCheckpoint(
        f"It holds an object of the class '{name}', whose code is not in the file; save its "
        "'state_dict()' with the program that made it, and import that."
    )


def what_it_is(names: Iterable[str]) -> str | None:
    """What tensors of these names belong to, where that is known."""
    known = list(names)
    for pattern, what in _TENSORS.items():
        if any(re.fullmatch(pattern, name) for name in known):
            return what
    return None
