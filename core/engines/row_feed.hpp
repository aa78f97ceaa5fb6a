// Where a run gets rows that are not all in memory: training rows in the order of its epochs, and validation rows in
// theirs. core/feeding/ reads them from files.
#pragma once

#include <cstdint>
#include <functional>

#include "rows.hpp"

namespace creche::CRECHE_LEVEL {

// Asked from time to time while a run waits for rows; true: it should not wait any longer.
using StopWaiting = std::function<bool()>;

// All functions are called by one thread, and throw what reading fails with. Rows that were taken before are then gone.
template <class T>
class RowFeed {
 public:
  virtual ~RowFeed() = default;

  // A view in which the rows are that were taken last; its count is that of all rows, which are never there at once.
  virtual Rows<T> rows() const = 0;

  // Makes the rows at positions begin ... begin + count - 1 of an epoch available, at most as many as a batch has, and
  // writes which rows of the view they are; then those of the next positions that are there already, `most` in all.
  // Returns how many it wrote; 0 if `stop` asked to stop.
  virtual std::int64_t take(std::int64_t epoch, std::int64_t begin, std::int64_t count, std::int64_t most,
                            std::int32_t* out, const StopWaiting& stop) = 0;

  // Gives back its memory, its threads and what it has open, until rows are taken again.
  virtual void release() = 0;

  // How long take has waited.
  virtual double seconds_waited() const = 0;
};

template <class T>
class RowStream {
 public:
  virtual ~RowStream() = default;

  virtual std::int64_t count() const = 0;
  // The most rows that come at once.
  virtual std::int64_t most_rows() const = 0;

  // Goes back to the first row.
  virtual void begin() = 0;
  // The next rows, none at the end; false if `stop` asked to stop. Those of the call before are then gone.
  virtual bool next(Rows<T>& out, const StopWaiting& stop) = 0;

  // As that of a feed; to be called after the last row.
  virtual void release() = 0;

  virtual double seconds_waited() const = 0;
};

}  // namespace creche::CRECHE_LEVEL
