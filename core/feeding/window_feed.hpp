// Training rows from a file, in the order of a plan: windows of rows (random/windows.hpp) are read before they are
// needed, while training uses others.
//
// There is memory for two windows, or for all that a batch can touch. A table that is one window is read once.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "aligned.hpp"
#include "engines/row_feed.hpp"
#include "feeding/file_reader.hpp"
#include "feeding/read_ahead.hpp"
#include "feeding/record_buffer.hpp"
#include "plan.hpp"
#include "random/windows.hpp"

namespace creche::CRECHE_LEVEL {

class WindowFeed final : public RowFeed<float> {
 public:
  // The plan's rows are in windows, or not shuffled. Throws a ReadError.
  WindowFeed(const Plan& plan, const StoredTable& table);

  Rows<float> rows() const override;
  std::int64_t take(std::int64_t epoch, std::int64_t begin, std::int64_t count, std::int64_t most, std::int32_t* out,
                    const StopWaiting& stop) override;
  void release() override;
  double seconds_waited() const override {
    return seconds_waited_ + (reading_ ? reading_->read_ahead.seconds_waited() : 0);
  }

  // The bytes of its memory.
  static std::int64_t memory(const Plan& plan, const StoredTable& table);

 private:
  // Windows are counted from the first of the first epoch on, and take turns in the slots.
  static constexpr std::int64_t kNone = -1;

  struct Slot {
    std::int64_t requested = kNone;
    std::int64_t ordered = kNone;  // the window whose order `rows` has
    std::vector<std::int32_t> rows;
  };

  static WindowOrder order_of(const Plan& plan, std::int64_t rows);
  static int slots_of(const Plan& plan, const WindowOrder& order);

  // What is there while rows are taken.
  struct Reading {
    Reading(const StoredTable& table, std::int64_t outputs, int slots, std::int64_t rows);

    FileReader reader;
    RecordBuffer buffer;
    ReadAhead read_ahead;
  };

  bool is_resident() const { return orders_[0].windows() == 1; }
  int slot_of(std::int64_t window) const { return static_cast<int>(window % static_cast<std::int64_t>(slots_.size())); }
  const WindowOrder& order_at(std::int64_t epoch);
  void request(std::int64_t epoch, std::int64_t window);
  void put_in_order(std::int64_t epoch, std::int64_t window);
  void forget();

  StoredTable table_;
  std::int64_t epochs_, outputs_;
  WindowOrder orders_[2];  // of two epochs that follow each other
  std::vector<Slot> slots_;
  std::unique_ptr<Reading> reading_;
  double seconds_waited_ = 0;  // before reading_ was released
};

}  // namespace creche::CRECHE_LEVEL
