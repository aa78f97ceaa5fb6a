"""Encoding the training and validation rows of a table on disk into files beside its columns."""

from __future__ import annotations

from dataclasses import replace

from creche.engine.stored_rows import StoredRows
from creche.plan.losses import Loss
from creche.table.block_encoding import OnEncoded
from creche.table.bootstrap_sample import draw_bootstrap_rows
from creche.table.disk_columns import ColumnFolder, DiskColumns, write_column
from creche.table.partition import Partition
from creche.table.prepare import Prepared
from creche.table.table import Table

__all__ = ["encode_to_disk"]


def encode_to_disk(
    prepared: Prepared, loss: Loss, memory: int | None = None, on_encoded: OnEncoded | None = None
) -> tuple[StoredRows, StoredRows | None]:
    """Encode the training rows (of the bootstrap sample, if there is one) and validation rows of a table on disk.

    Rows that the folder has already, encoded in the same way, are not encoded again.

    Parameters
    ----------
    prepared : Prepared
    loss : Loss
    memory : int, optional
        Bytes that may be used.
    on_encoded : callable, optional
        Called with an `EncodingProgress` now and then.

    Raises
    ------
    FileError
        If the rows cannot be written.
    TableError
        If a row cannot be encoded.

    """
    x = prepared.labelled.x
    assert isinstance(x, Table)
    assert isinstance(x.columns, DiskColumns)
    folder, train = x.columns.folder, prepared.train
    if prepared.preparation.bootstrap is not None:
        train = train.take(draw_bootstrap_rows(prepared.preparation.bootstrap, len(train)))

    def store(part: Partition) -> StoredRows:
        on_disk = _move_to_disk(part, folder)
        return prepared.block_encoder(on_disk, loss, memory=memory).to_file(folder, on_encoded)

    return store(train), None if prepared.validation is None else store(prepared.validation)


def _move_to_disk(part: Partition, folder: ColumnFolder) -> Partition:
    """Return a part with its columns on disk; those of a table of its own, such as validation rows, are in memory."""
    rows = part.observations
    assert isinstance(rows.x, Table)
    if rows.x.is_lazy:
        return part
    stored = {name: write_column(folder.scratch_path(), column) for name, column in rows.x.columns.items()}
    return replace(part, observations=replace(rows, x=rows.x.with_columns(DiskColumns(stored, len(rows), folder))))
