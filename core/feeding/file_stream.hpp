// The rows of a file in their order, some at a time; the next are read meanwhile. A table that comes at once is read
// once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "engines/row_feed.hpp"
#include "feeding/file_reader.hpp"
#include "feeding/read_ahead.hpp"
#include "feeding/record_buffer.hpp"

namespace creche::CRECHE_LEVEL {

class FileStream final : public RowStream<float> {
 public:
  // outputs: of the network. Throws a ReadError.
  FileStream(const StoredTable& table, std::int64_t outputs)
      : table_(table), outputs_(outputs), rows_at_once_(rows_at_once(table)) {
    const FileReader tried(table);
  }

  std::int64_t count() const override { return table_.count; }
  std::int64_t most_rows() const override { return rows_at_once_; }

  void begin() override {
    next_ = 0;
    if (!reading_) reading_ = std::make_unique<Reading>(table_, outputs_, chunks(table_) * rows_at_once_);
    if (reading_->read_ahead.restart_after_fork()) forget();
  }

  bool next(Rows<float>& out, const StopWaiting& stop) override {
    const std::int64_t first = next_ * rows_at_once_;
    if (first >= table_.count) {
      out = {};
      return true;
    }
    request(next_);
    // The place of the chunk before, whose rows are gone now.
    if (first + rows_at_once_ < table_.count) request(next_ + 1);
    const auto slot = static_cast<int>(next_ % 2);
    try {
      if (!reading_->read_ahead.wait(slot, stop)) return false;
    } catch (...) {
      forget();
      throw;
    }
    out = reading_->buffer.rows(slot * rows_at_once_, std::min(rows_at_once_, table_.count - first));
    ++next_;
    return true;
  }

  void release() override {
    seconds_waited_ = seconds_waited();
    reading_.reset();
    forget();
  }
  double seconds_waited() const override {
    return seconds_waited_ + (reading_ ? reading_->read_ahead.seconds_waited() : 0);
  }

  // The bytes of its memory.
  static std::int64_t memory(const StoredTable& table) {
    return chunks(table) * rows_at_once(table) * (table.stride() + 8);
  }

 private:
  // What is there while rows are read.
  struct Reading {
    Reading(const StoredTable& table, std::int64_t outputs, std::int64_t rows)
        : reader(table),
          buffer(table, outputs, rows),
          read_ahead(reader, 2, kReaders, [this](const auto& piece) { buffer.unpack(piece); }) {}

    FileReader reader;
    RecordBuffer buffer;
    ReadAhead read_ahead;
  };

  static constexpr int kReaders = 2;
  // Rows at once are a multiple of it, so that chunks begin at multiples of FileReader::kAligned.
  static constexpr std::int64_t kStep = 1024;

  static std::int64_t rows_at_once(const StoredTable& table) {
    constexpr std::int64_t kBytes = 8 << 20;
    const std::int64_t steps = std::max<std::int64_t>(kBytes / (kStep * table.stride()), 1);
    return std::min(steps * kStep, std::max<std::int64_t>(table.count, 1));
  }

  // In memory at a time.
  static std::int64_t chunks(const StoredTable& table) { return table.count > rows_at_once(table) ? 2 : 1; }

  void request(std::int64_t chunk) {
    std::int64_t& requested = requested_[chunk % 2];
    if (requested == chunk) return;
    const std::int64_t first = chunk * rows_at_once_, rows = std::min(rows_at_once_, table_.count - first);
    std::vector<ReadAhead::Piece> pieces;
    add_pieces(pieces, table_.offset + first * table_.stride(), rows * table_.stride(),
               reading_->buffer.at(chunk % 2 * rows_at_once_));
    requested = -1;
    reading_->read_ahead.request(static_cast<int>(chunk % 2), pieces);
    requested = chunk;
  }

  void forget() { requested_[0] = requested_[1] = -1; }

  StoredTable table_;
  std::int64_t outputs_, rows_at_once_;
  std::int64_t next_ = 0;
  std::int64_t requested_[2] = {-1, -1};  // the chunk of each slot
  std::unique_ptr<Reading> reading_;
  double seconds_waited_ = 0;  // before reading_ was released
};

}  // namespace creche::CRECHE_LEVEL
