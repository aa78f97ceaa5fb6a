// Rows in a file: records of the same size, one after the other, each with its inputs, then its class or its targets,
// then its weight. src/creche/engine/stored_rows.py describes them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

struct StoredTable {
  std::string path;
  std::int64_t offset = 0;  // of the first record, in bytes
  std::int64_t count = 0;   // of rows
  std::int64_t inputs = 0;
  std::int64_t targets = 0;  // 0: there is a class
  bool weighted = false;
  std::int64_t size = 0;        // of the file
  std::int64_t changed_at = 0;  // when it was last changed, in nanoseconds
  bool direct = false;          // read past the page cache, where the file system can

  std::int64_t stride() const { return 4 * (inputs + std::max<std::int64_t>(targets, 1) + (weighted ? 1 : 0)); }
};

// A file that cannot be read; the message names it, and where.
class ReadError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace creche::CRECHE_LEVEL
