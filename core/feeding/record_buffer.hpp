// Memory for some of the records of a file, and the rows in it. Inputs and targets stay where they were read; classes
// and weights are copied to arrays of their own, as tables in memory have them, and classes are checked.
#pragma once

#include <cstdint>

#include "aligned.hpp"
#include "feeding/file_reader.hpp"
#include "feeding/read_ahead.hpp"
#include "feeding/stored_table.hpp"
#include "rows.hpp"

namespace creche::CRECHE_LEVEL {

class RecordBuffer {
 public:
  // outputs: of the network; it is the number of classes.
  RecordBuffer(const StoredTable& table, std::int64_t outputs, std::int64_t rows)
      : table_(table),
        outputs_(outputs),
        bytes_(rows * table.stride() + FileReader::kAligned),
        classes_(table.targets == 0 ? rows : 0),
        weights_(table.weighted ? rows : 0) {
    const auto address = reinterpret_cast<std::uintptr_t>(bytes_.data());
    records_ = bytes_.data() + (FileReader::kAligned - address % FileReader::kAligned) % FileReader::kAligned;
  }

  char* at(std::int64_t row) const { return records_ + row * table_.stride(); }

  Rows<float> rows(std::int64_t first, std::int64_t count) const {
    Rows<float> out;
    out.x = reinterpret_cast<const float*>(at(first));
    out.x_stride = out.targets_stride = table_.stride() / 4;
    out.count = count;
    if (table_.targets == 0) {
      out.classes = classes_.data() + first;
    } else {
      out.targets = out.x + table_.inputs;
    }
    if (table_.weighted) out.weights = weights_.data() + first;
    return out;
  }

  // To be called for each piece that has been read. Throws a ReadError.
  void unpack(const ReadAhead::Piece& piece) const {
    if (table_.targets == 0)
      each_field(piece, 4 * table_.inputs, [&](std::int64_t row, const char* from) {
        std::int32_t found;
        std::memcpy(&found, from, 4);
        if (found < 0 || found >= outputs_) {
          const std::int64_t at = piece.offset + (from - piece.to);
          throw ReadError(table_.path + ": row " + std::to_string((at - table_.offset) / table_.stride()) +
                          " has class " + std::to_string(found) + " of 0 to " + std::to_string(outputs_ - 1) +
                          "; the file is damaged, or the network is another one");
        }
        classes_[row] = found;
      });
    if (table_.weighted)
      each_field(piece, table_.stride() - 4,
                 [&](std::int64_t row, const char* from) { std::memcpy(weights_.data() + row, from, 4); });
  }

 private:
  // Calls f(row, its place) for the records whose field of four bytes lies within a piece.
  template <class F>
  void each_field(const ReadAhead::Piece& piece, std::int64_t field, F&& f) const {
    const std::int64_t stride = table_.stride(), begin = piece.to - records_, end = begin + piece.size;
    for (std::int64_t row = (begin + stride - 1 - field) / stride; row * stride + field < end; ++row)
      f(row, records_ + row * stride + field);
  }

  StoredTable table_;
  std::int64_t outputs_;
  AlignedArray<char> bytes_;
  char* records_;
  AlignedArray<std::int32_t> classes_;
  AlignedArray<float> weights_;
};

// Adds what reads `size` bytes from `offset` on to pieces that are read side by side. They begin at multiples of
// FileReader::kAligned if the first does.
inline void add_pieces(std::vector<ReadAhead::Piece>& pieces, std::int64_t offset, std::int64_t size, char* to) {
  constexpr std::int64_t kLargest = 4 << 20;
  for (; size > 0; offset += kLargest, size -= kLargest, to += kLargest)
    pieces.push_back({offset, std::min(size, kLargest), to});
}

}  // namespace creche::CRECHE_LEVEL
