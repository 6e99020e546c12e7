"""What all pictures have in common goes out, and what training has seen serves afterwards."""

import torch

from pixelmend_engine.nn.standardize import Standardize


def test_a_batch_comes_out_with_mean_0_and_variance_1_in_each_channel() -> None:
    torch.manual_seed(0)
    x = 100 + 0.1 * torch.randn(4, 8, 16)
    made = Standardize(8)(x)
    assert made.mean(dim=(0, 2)).abs().max() < 1e-3
    # 1e-5, which keeps from dividing by 0, is a thousandth of this variance.
    assert torch.allclose(made.var(dim=(0, 2), unbiased=False), torch.ones(8), atol=2e-3)


def test_afterwards_a_picture_does_not_depend_on_what_is_beside_it() -> None:
    torch.manual_seed(0)
    norm = Standardize(8)
    for _ in range(200):
        norm(5 + 2 * torch.randn(4, 8, 16))
    norm.eval()
    x = 5 + 2 * torch.randn(64, 8, 16)
    together = norm(x)
    assert torch.allclose(norm(x[:1]), together[:1], atol=1e-6)
    assert abs(together.mean()) < 0.1
    assert abs(together.std() - 1) < 0.1


def test_all_that_is_kept_can_be_stored_in_halves() -> None:
    assert all(tensor.is_floating_point() for tensor in Standardize(4).state_dict().values())
