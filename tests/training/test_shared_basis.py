import torch

from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.training.shared_basis import find_shared_basis, rebase

CONFIG = GeneratorConfig(resolution=32, channel_base=512, channel_max=32, z_dim=16, w_dim=16)


def codes_from(latent: torch.Tensor, maps: torch.Tensor, noise: float) -> torch.Tensor:
    """Codes (N, n_ws, w_dim) that each layer makes of one latent in a basis of its own."""
    codes = torch.einsum("nk,lkd->nld", latent, maps) + 0.5
    return codes + noise * torch.randn_like(codes)


def test_reconstructions_stay_and_layers_agree() -> None:
    torch.manual_seed(0)
    generator, encoder = Generator(CONFIG), Encoder(CONFIG)
    images = torch.randn(400, 3, 32, 32)
    with torch.no_grad():
        rank = CONFIG.w_dim  # what the layers' codes have in common fits one w
        latent = torch.randn(rank, encoder.heads.in_features) / 20
        encoder.heads.weight.copy_(torch.randn(encoder.heads.out_features, rank) @ latent)
        codes = encoder(images, generator.w_avg)
        before, _ = generator(codes[:4])
        basis = find_shared_basis(codes)
        rebase(generator, encoder, basis)
        shared = encoder(images, generator.w_avg)
        after, _ = generator(shared[:4])
    torch.testing.assert_close(after, before, rtol=0.02, atol=0.02)
    spread = (shared - shared.mean(1, keepdim=True)).square().mean()
    old_spread = (codes - codes.mean(1, keepdim=True)).square().mean() / codes.var()
    assert spread / shared.var() < 0.5 * old_spread


def test_codes_of_one_latent_are_explained_wholly_and_come_out_white() -> None:
    torch.manual_seed(0)
    latent = torch.randn(2000, 16)
    maps = torch.randn(8, 16, 16)
    basis = find_shared_basis(codes_from(latent, maps, 0.0))
    assert basis.explained > 0.999
    codes = codes_from(latent, maps, 0.0)
    flat = (codes - basis.mean).flatten(1)
    shared = torch.einsum("nf,lfv->nlv", flat, basis.analysis)
    torch.testing.assert_close(shared[:, 0], shared[:, 7], rtol=0.01, atol=0.01)
    assert (shared[:, 0].std(0) - 1).abs().max() < 0.2
    again = torch.einsum("nlv,lvd->nld", shared, basis.synthesis) + basis.mean
    torch.testing.assert_close(again, codes, rtol=0.01, atol=0.01)


def test_noise_of_single_layers_lowers_what_is_explained() -> None:
    torch.manual_seed(0)
    codes = codes_from(torch.randn(2000, 16), torch.randn(8, 16, 16), 3.0)
    assert 0.3 < find_shared_basis(codes).explained < 0.9
