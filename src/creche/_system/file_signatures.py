"""What a file that is not an archive of Creche's probably is, told by its first bytes."""

from __future__ import annotations

__all__ = ["describe_signature"]

SIGNATURES = {
    b"PK\x03\x04": "a zip archive, such as PyTorch (.pt), NumPy (.npz) and Excel write",
    b"\x80\x02": "a Python pickle, which Creche never opens because it can run code",
    b"\x80\x03": "a Python pickle, which Creche never opens because it can run code",
    b"\x80\x04": "a Python pickle, which Creche never opens because it can run code",
    b"\x80\x05": "a Python pickle, which Creche never opens because it can run code",
    b"PAR1": "a Parquet table",
    b"ARROW1": "an Arrow table",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file, such as Keras writes",
    b"GGUF": "a GGUF file",
    b"\x1f\x8b": "compressed by gzip; decompress it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; decompress it first",
    b"BZh": "compressed by bzip2; decompress it first",
    b"\xfd7zXZ\x00": "compressed by xz; decompress it first",
}


def describe_signature(first: bytes) -> str:
    r"""Describe a file by its first bytes, in words that follow "it is".

    Examples
    --------
    >>> describe_signature(b"species,island\nAdelie,Dream\n")
    'text, such as a table in CSV'

    """
    for signature, description in SIGNATURES.items():
        if first.startswith(signature):
            return description
    if first[8:9] == b"{" and int.from_bytes(first[:8], "little") < 2**40:
        return "a safetensors file, but not one that Creche wrote"
    if first[:1] in b"{[":
        return "text, such as JSON"
    if b"\0" not in first and _is_text(first):
        return "text, such as a table in CSV"
    return "of an unknown format"


def _is_text(first: bytes) -> bool:
    for cut in range(4):  # the last character, of up to 4 bytes, may be incomplete
        try:
            first[: len(first) - cut].decode()
        except UnicodeDecodeError:
            continue
        return True
    return False
