"""The penguins with pandas and PyTorch: read, split, standardize, train, evaluate."""

import argparse
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

parser = argparse.ArgumentParser()
parser.add_argument("table")
parser.add_argument("--hidden", default="5,5")
parser.add_argument("--batch-size", type=int, default=20)
parser.add_argument("--learning-rate", type=float, default=0.01)
parser.add_argument("--epochs", type=int, default=100)
arguments = parser.parse_args()

torch.set_num_threads(1)  # faster than more on a network of this size
torch.manual_seed(0)
columns = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
table = pd.read_csv(arguments.table, na_values=["NA"]).dropna(subset=columns)
classes, labels = np.unique(table["species"].to_numpy(str), return_inverse=True)
X = torch.from_numpy(table[columns].to_numpy(np.float32))
y = torch.from_numpy(labels)

# Three tenths of the rows of each class are held out for testing.
order = torch.randperm(len(y))
is_test = torch.zeros(len(y), dtype=torch.bool)
for k in range(len(classes)):
    class_rows = order[y[order] == k]
    is_test[class_rows[: round(0.3 * len(class_rows))]] = True
X_train, y_train, X_test, y_test = X[~is_test], y[~is_test], X[is_test], y[is_test]
mean, std = X_train.mean(0), X_train.std(0, correction=0)
X_train, X_test = (X_train - mean) / std, (X_test - mean) / std

sizes = [X.shape[1], *map(int, arguments.hidden.split(",")), len(classes)]
layers: list[nn.Module] = []
for n_in, n_out in pairwise(sizes):
    layers += [nn.Linear(n_in, n_out), nn.ReLU()]
network = nn.Sequential(*layers[:-1])
optimizer = torch.optim.Adam(network.parameters(), lr=arguments.learning_rate, fused=True)
for _ in range(arguments.epochs):
    order = torch.randperm(len(y_train))
    batches = zip(X_train[order].split(arguments.batch_size), y_train[order].split(arguments.batch_size), strict=True)
    for x, t in batches:
        optimizer.zero_grad()
        functional.cross_entropy(network(x), t).backward()
        optimizer.step()

with torch.no_grad():
    probabilities = network(X_test).softmax(1)
predictions = probabilities.argmax(1)
matrix = torch.zeros(len(classes), len(classes), dtype=torch.int64)
matrix.index_put_((y_test, predictions), torch.ones(len(y_test), dtype=torch.int64), accumulate=True)
print(f"accuracy {(predictions == y_test).float().mean():.3f}")
print(pd.DataFrame(matrix.numpy(), classes, classes))
print("first test row:", dict(zip(classes, probabilities[0].numpy().round(3), strict=True)))
