// The order of an epoch by windows: which rows are near each other in a file stays so, and yet the order is random.
//
// The rows are cut into blocks; the last one may be shorter. In each epoch the blocks are shuffled; some of them
// that then follow each other are a window, and the rows of each window are shuffled. The epoch is one window after the
// other. So a window can be read from a file in a few long pieces, and training needs only one of them in memory.
//
// It is a pure function of seed, epoch, number of rows, block and window, however the rows are kept.
//
// Tests: tests/engine/test_windows.py
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "random/philox_lanes.hpp"
#include "random/streams.hpp"

namespace creche::CRECHE_LEVEL {

// Shuffles any number of elements (Fisher & Yates; Durstenfeld 1964). Each swap takes 64 random bits, so that no
// position is more likely than another by more than size / 2^64: words 2 k and 2 k + 1 of the counters from (0,
// position, epoch, stream) on, the low one first.
template <class Element>
void shuffle_widely(std::uint64_t seed, std::uint32_t position, std::uint32_t epoch, std::uint32_t stream,
                    std::span<Element> elements) {
  constexpr std::size_t kSwaps = 256;
  std::uint32_t words[2 * kSwaps];
  PhiloxWords counter{0, position, epoch, stream};
  std::size_t last = elements.size();
  while (last > 1) {
    const std::size_t count = std::min(last - 1, kSwaps);
    philox_words(seed, counter, std::span(words, (2 * count + 3) / 4 * 4));
    counter[0] += kSwaps / 2;
    for (std::size_t k = 0; k < count; ++k, --last) {
      const std::uint64_t word = static_cast<std::uint64_t>(words[2 * k + 1]) << 32 | words[2 * k];
      const auto other = static_cast<std::size_t>((static_cast<unsigned __int128>(word) * last) >> 64);
      std::swap(elements[last - 1], elements[other]);
    }
  }
}

class WindowOrder {
 public:
  // block and window, the number of blocks in a window, are at least 1. Without is_shuffled, all rows stay in order.
  WindowOrder(std::uint64_t seed, std::int64_t rows, std::int64_t block, std::int64_t window, bool is_shuffled = true)
      : is_shuffled_(is_shuffled),
        seed_(seed),
        rows_(rows),
        block_(std::min(block, std::max<std::int64_t>(rows, 1))),
        blocks_(static_cast<std::size_t>((rows + block_ - 1) / block_)),
        window_(std::min(window, std::max<std::int64_t>(blocks(), 1))) {
    set_epoch(0);
  }

  void set_epoch(std::uint32_t epoch) {
    epoch_ = epoch;
    std::iota(blocks_.begin(), blocks_.end(), std::int64_t{0});
    if (is_shuffled_) shuffle_widely(seed_, 0, epoch, kStreamBlocks, std::span(blocks_));
    const auto last = std::find(blocks_.begin(), blocks_.end(), blocks() - 1);
    window_of_last_ = (last - blocks_.begin()) / window_;
  }

  std::uint32_t epoch() const { return epoch_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t blocks() const { return static_cast<std::int64_t>(blocks_.size()); }
  std::int64_t windows() const { return (blocks() + window_ - 1) / window_; }
  // The most rows that a window has, and the fewest of one that is followed by another.
  std::int64_t most_rows() const { return std::min(window_ * block_, rows_); }
  std::int64_t least_rows() const { return std::min((window_ - 1) * block_ + rows_of(blocks() - 1), rows_); }

  // The position in the epoch of a window's first row; that of the window after the last is the number of rows.
  std::int64_t begin(std::int64_t window) const {
    if (window >= windows()) return rows_;
    return window * window_ * block_ - (window > window_of_last_ ? blocks() * block_ - rows_ : 0);
  }
  std::int64_t count(std::int64_t window) const { return begin(window + 1) - begin(window); }
  // The window of a position.
  std::int64_t window_at(std::int64_t position) const {
    std::int64_t window = position / (window_ * block_);
    while (begin(window + 1) <= position) ++window;  // once at most: only one block is shorter
    return window;
  }

  // The blocks of a window, in the order of the epoch.
  std::span<const std::int64_t> blocks_of(std::int64_t window) const {
    const std::int64_t first = window * window_;
    return std::span(blocks_).subspan(static_cast<std::size_t>(first),
                                      static_cast<std::size_t>(std::min(window_, blocks() - first)));
  }
  std::int64_t first_row(std::int64_t block) const { return block * block_; }
  std::int64_t rows_of(std::int64_t block) const { return std::min(block_, rows_ - first_row(block)); }

  // The rows of a window, block by block; shuffle_rows puts these, or what stands for them, in the order of the epoch.
  void list_rows(std::int64_t window, std::span<std::int32_t> rows) const {
    auto at = rows.begin();
    for (const std::int64_t block : blocks_of(window)) {
      const auto end = at + rows_of(block);
      std::iota(at, end, static_cast<std::int32_t>(first_row(block)));
      at = end;
    }
  }
  void shuffle_rows(std::int64_t window, std::span<std::int32_t> rows) const {
    if (!is_shuffled_) return;
    shuffle_widely(seed_, static_cast<std::uint32_t>(window), epoch_, kStreamWindows, rows);
  }

 private:
  bool is_shuffled_;
  std::uint64_t seed_;
  std::int64_t rows_, block_;
  std::vector<std::int64_t> blocks_;  // in the order of the epoch
  std::int64_t window_;
  std::int64_t window_of_last_ = 0;  // the window with the last, perhaps shorter, block
  std::uint32_t epoch_ = 0;
};

}  // namespace creche::CRECHE_LEVEL
