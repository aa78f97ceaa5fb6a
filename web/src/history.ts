/** The losses and metrics of completed epochs, joined from the pieces that a session pushes. */
import type { History } from "./protocol.ts";

/** One array for each column, all as long as `epochs`. A number that does not exist is NaN. */
export interface Curves {
  readonly columns: readonly string[];
  readonly epochs: readonly number[];
  readonly values: readonly (readonly number[])[];
  /** Of a long training there are the epochs 1, 1 + `stride`, 1 + 2 `stride`, … and the newest. */
  readonly stride: number;
  readonly snapshots: readonly number[];
}

export const NO_CURVES: Curves = { columns: [], epochs: [], values: [], stride: 1, snapshots: [] };

/** Add a piece. What is known from its first epoch on is replaced, since training may have gone back. */
export function addPiece(curves: Curves, piece: History): Curves {
  const isNew = piece.first <= 1 || piece.columns.join("\n") !== curves.columns.join("\n");
  const stays = (_: unknown, row: number): boolean => {
    const epoch = curves.epochs[row] as number;
    return !isNew && epoch < piece.first && (epoch - 1) % piece.stride === 0;
  };
  const width = piece.columns.length;
  return {
    columns: piece.columns,
    epochs: [...curves.epochs.filter(stays), ...piece.epochs.data],
    values: piece.columns.map((_, column) => {
      const added = Array.from(piece.epochs.data, (_, row) => piece.values.data[row * width + column] as number);
      return [...(curves.values[column] ?? []).filter(stays), ...added];
    }),
    stride: piece.stride,
    snapshots: [...piece.snapshots.data],
  };
}

/** The values of a column, or nothing if there is none of this name. */
export function curveOf(curves: Curves, column: string): readonly number[] {
  return curves.values[curves.columns.indexOf(column)] ?? [];
}
