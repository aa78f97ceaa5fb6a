#include "feeding/window_feed.hpp"

#include <algorithm>
#include <numeric>
#include <span>

namespace creche::CRECHE_LEVEL {

namespace {

constexpr int kReaders = 4;

// Of rows that are not shuffled: as much as a window by default has.
constexpr WindowsPlan kInOrder{4096, 64};

}  // namespace

WindowOrder WindowFeed::order_of(const Plan& plan, std::int64_t rows) {
  const WindowsPlan& windows = plan.shuffle ? plan.windows : kInOrder;
  return WindowOrder(plan.seed, rows, windows.block, windows.window, plan.shuffle);
}

// A batch touches two windows, and more only if it has more rows than the smallest window between two others.
int WindowFeed::slots_of(const Plan& plan, const WindowOrder& order) {
  const std::int64_t batch = std::min(plan.batch_size, order.rows());
  const std::int64_t between = batch - 2 - order.least_rows();
  const std::int64_t touched = 2 + (between < 0 ? 0 : 1 + between / order.most_rows());
  return static_cast<int>(std::min(touched, order.windows()));
}

std::int64_t WindowFeed::memory(const Plan& plan, const StoredTable& table) {
  const WindowOrder order = order_of(plan, table.count);
  // Records; classes, weights and the order.
  return slots_of(plan, order) * order.most_rows() * (table.stride() + 12) + 2 * 8 * order.blocks();
}

WindowFeed::WindowFeed(const Plan& plan, const StoredTable& table)
    : table_(table),
      epochs_(plan.epochs),
      outputs_(plan.layers.back().width),
      orders_{order_of(plan, table.count), order_of(plan, table.count)},
      slots_(static_cast<std::size_t>(slots_of(plan, orders_[0]))) {
  orders_[1].set_epoch(1);
  const FileReader tried(table);
}

WindowFeed::Reading::Reading(const StoredTable& table, std::int64_t outputs, int slots, std::int64_t rows)
    : reader(table),
      buffer(table, outputs, rows),
      read_ahead(reader, slots, kReaders, [this](const auto& piece) { buffer.unpack(piece); }) {}

Rows<float> WindowFeed::rows() const {
  Rows<float> none;
  none.count = table_.count;
  return reading_ ? reading_->buffer.rows(0, table_.count) : none;
}

void WindowFeed::release() {
  seconds_waited_ = seconds_waited();
  reading_.reset();
  forget();
}

const WindowOrder& WindowFeed::order_at(std::int64_t epoch) {
  WindowOrder& order = orders_[epoch % 2];
  if (order.epoch() != static_cast<std::uint32_t>(epoch)) order.set_epoch(static_cast<std::uint32_t>(epoch));
  return order;
}

void WindowFeed::request(std::int64_t epoch, std::int64_t window) {
  const WindowOrder& order = order_at(epoch);
  const std::int64_t number = is_resident() ? 0 : epoch * order.windows() + window;
  Slot& slot = slots_[static_cast<std::size_t>(slot_of(number))];
  if (slot.requested == number) return;
  std::vector<ReadAhead::Piece> pieces;
  char* to = reading_->buffer.at(slot_of(number) * order.most_rows());
  if (is_resident()) {
    add_pieces(pieces, table_.offset, table_.count * table_.stride(), to);
  } else {
    for (const std::int64_t block : order.blocks_of(window)) {
      const std::int64_t size = order.rows_of(block) * table_.stride();
      add_pieces(pieces, table_.offset + order.first_row(block) * table_.stride(), size, to);
      to += size;
    }
  }
  slot.requested = slot.ordered = kNone;
  reading_->read_ahead.request(slot_of(number), pieces);
  slot.requested = number;
}

// Writes which rows of the buffer a window has at its positions.
void WindowFeed::put_in_order(std::int64_t epoch, std::int64_t window) {
  const WindowOrder& order = order_at(epoch);
  const std::int64_t number = epoch * order.windows() + window;
  const int place = slot_of(number);
  Slot& slot = slots_[static_cast<std::size_t>(place)];
  if (slot.ordered == number) return;
  slot.rows.resize(static_cast<std::size_t>(order.count(window)));
  if (is_resident()) {
    order.list_rows(window, slot.rows);
  } else {
    std::iota(slot.rows.begin(), slot.rows.end(), static_cast<std::int32_t>(place * order.most_rows()));
  }
  order.shuffle_rows(window, slot.rows);
  slot.ordered = number;
}

std::int64_t WindowFeed::take(std::int64_t epoch, std::int64_t begin, std::int64_t count, std::int64_t most,
                              std::int32_t* out, const StopWaiting& stop) {
  if (!reading_) {
    const auto slots = static_cast<std::int64_t>(slots_.size());
    reading_ = std::make_unique<Reading>(table_, outputs_, static_cast<int>(slots), slots * orders_[0].most_rows());
  }
  if (reading_->read_ahead.restart_after_fork()) forget();
  const std::int64_t windows = order_at(epoch).windows();
  const std::int64_t first = order_at(epoch).window_at(begin), last = order_at(epoch).window_at(begin + count - 1);
  for (std::int64_t k = 0; k < static_cast<std::int64_t>(slots_.size()); ++k) {
    const std::int64_t number = epoch * windows + first + k;
    if (first + k <= last || number / windows < epochs_) request(number / windows, number % windows);
  }
  std::int64_t done = 0;
  for (std::int64_t window = first; window <= last; ++window) {
    try {
      if (!reading_->read_ahead.wait(slot_of(epoch * windows + window), stop)) return 0;
    } catch (...) {
      forget();
      throw;
    }
    put_in_order(epoch, window);
    const WindowOrder& order = order_at(epoch);
    const Slot& slot = slots_[static_cast<std::size_t>(slot_of(epoch * windows + window))];
    const std::int64_t from = begin + done - order.begin(window);
    const std::int64_t copied = std::min(order.count(window) - from, most - done);
    std::copy_n(slot.rows.data() + from, copied, out + done);
    done += copied;
  }
  return done;
}

void WindowFeed::forget() {
  for (Slot& slot : slots_) slot = Slot{};
}

}  // namespace creche::CRECHE_LEVEL
