"""Frames have the bytes that the page's own decoder is tested with."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from creche.studio.protocol.frames import PushedFrames, encode_view
from creche.studio.protocol.views import Done, History, KeptFile, LayerView, NetworkView

FRAMES = Path(__file__).parents[3] / "web/tests/frames.json"

HISTORY = History(
    first=1,
    columns=("train_loss", "validation_loss"),
    epochs=np.array([1, -(2**31)], np.int32),
    values=np.array([[0.5, np.nan], [np.inf, -1.5]], np.float32),
    stride=1,
    snapshots=np.zeros(0, np.int32),
)
NETWORK = NetworkView(
    layers=(LayerView(2, "", ("a", "b"), ("a", "b")),),
    parameters=0,
    connections=0,
    edges_version=1,
    edges_limit=1500,
    edges=np.zeros((0, 3), np.int32),
)
KEPT = KeptFile("m.creche", "application/octet-stream", np.array([1, 2, 255], np.uint8), "")


@pytest.mark.parametrize(
    ("name", "view", "reply_to"),
    [
        ("done", Done("größer"), 3),
        ("history", HISTORY, None),
        ("network", NETWORK, None),
        ("kept", KEPT, 12),
    ],
)
def test_frames_are_those_that_the_page_decodes(name: str, view: object, reply_to: int | None) -> None:
    assert encode_view(view, reply_to).hex() == json.loads(FRAMES.read_text())[name]


def test_what_is_pushed_to_many_is_encoded_once_and_a_newer_view_anew() -> None:
    frames = PushedFrames()
    first = frames.encode(HISTORY)
    assert frames.encode(NETWORK) == encode_view(NETWORK)
    assert frames.encode(HISTORY) is first
    assert first == encode_view(HISTORY)
    newer = replace(HISTORY, stride=2)
    assert frames.encode(newer) == encode_view(newer)
