"""The penguins with pandas and scikit-learn: read, split, standardize, train, evaluate."""

import argparse
import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import LabelEncoder, StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("table")
parser.add_argument("--hidden", default="5,5")
parser.add_argument("--batch-size", type=int, default=20)
parser.add_argument("--learning-rate", type=float, default=0.01)
parser.add_argument("--epochs", type=int, default=100)
arguments = parser.parse_args()

columns = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
table = pd.read_csv(arguments.table, na_values=["NA"]).dropna(subset=columns)
encoder = LabelEncoder()
y = encoder.fit_transform(table["species"])
X = table[columns].to_numpy(np.float32)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)

network = MLPClassifier(
    hidden_layer_sizes=tuple(map(int, arguments.hidden.split(","))),
    alpha=0,
    batch_size=arguments.batch_size,
    learning_rate_init=arguments.learning_rate,
    max_iter=arguments.epochs,
    tol=0,
    n_iter_no_change=arguments.epochs + 1,
    random_state=0,
)
# Reaching max_iter is the job, not a failure to converge.
warnings.simplefilter("ignore", ConvergenceWarning)
network.fit(X_train, y_train)
predictions = network.predict(X_test)
print(f"accuracy {accuracy_score(y_test, predictions):.3f}")
print(pd.DataFrame(confusion_matrix(y_test, predictions), encoder.classes_, encoder.classes_))
probabilities = network.predict_proba(X_test[:1])[0]
print("first test row:", dict(zip(encoder.classes_, probabilities.round(3), strict=True)))
