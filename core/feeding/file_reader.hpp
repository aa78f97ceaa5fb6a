// Reads pieces of a file on several threads, past the page cache if asked: what training reads at random is not read
// again before other rows have displaced it, and would displace everything else.
//
// With O_DIRECT where the file system takes it, and the pieces begin at multiples of 4,096 bytes; otherwise the system
// is told not to read ahead, and to forget what was read.
#pragma once

#include <atomic>
#include <cstdint>

#include "feeding/stored_table.hpp"

namespace creche::CRECHE_LEVEL {

class FileReader {
 public:
  static constexpr std::int64_t kAligned = 4096;

  // Throws a ReadError if it cannot be opened, or is not the file that the table was opened from.
  explicit FileReader(const StoredTable& table);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  // Fills `to` with the bytes from `offset` on. Throws a ReadError.
  void read(std::int64_t offset, std::int64_t size, char* to);

 private:
  // Returns how many bytes the file had from there on, at most `size`; -1 if direct reading is refused.
  std::int64_t read_from(int file, std::int64_t offset, std::int64_t size, char* to) const;
  void check_unchanged() const;

  StoredTable table_;
  int file_ = -1;
  int direct_file_ = -1;  // -1: none
  std::atomic<bool> reads_directly_{false};
};

}  // namespace creche::CRECHE_LEVEL
