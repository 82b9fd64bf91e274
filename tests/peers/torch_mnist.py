#!/usr/bin/env python3
"""MNIST trained by PyTorch as `nativedl train` does it: the tutorial CNN, batches of 128, Adam, then the test.

A process of its own for `nativedl-bench mnist`. Batches are sliced from tensors in memory, which costs less than a DataLoader.
"""
import argparse
import gzip
import json
import os
import time

import torch
import torch.nn.functional as F
from torch import nn


def read(folder, name):
    for path, opener in ((os.path.join(folder, name), open), (os.path.join(folder, name + ".gz"), gzip.open)):
        if os.path.exists(path):
            with opener(path, "rb") as file:
                data = bytearray(file.read())
            rank = data[3]
            shape = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(rank)]
            return torch.frombuffer(data, dtype=torch.uint8, offset=4 + 4 * rank).reshape(shape)
    raise SystemExit(f"no {name} in {folder}")


def load(folder, part):
    images = read(folder, part + "-images-idx3-ubyte").float().div_(255).unsqueeze(1)
    return images.contiguous(memory_format=torch.channels_last), read(folder, part + "-labels-idx1-ubyte").long()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    images, labels = load(args.data, "train")
    test_images, test_labels = load(args.data, "t10k")
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 64), nn.ReLU(), nn.Linear(64, 10)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    start = time.perf_counter()
    for _ in range(args.epochs):
        order = torch.randperm(len(labels))
        for begin in range(0, len(order), 128):
            at = order[begin:begin + 128]
            loss = F.cross_entropy(model(images[at].contiguous(memory_format=torch.channels_last)), labels[at])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            loss.item()
    seconds = time.perf_counter() - start
    with torch.no_grad():
        right = sum((model(x).argmax(1) == t).sum().item() for x, t in zip(test_images.split(1000), test_labels.split(1000)))
    print(json.dumps({"train_seconds": seconds, "test_accuracy": right / len(test_labels)}))


if __name__ == "__main__":
    main()
