// Threads that read pieces of a file before they are needed.
//
// What is read together, such as a window of rows, is a slot: its pieces are requested together and waited for
// together. The threads start with the first request. After fork() the child has none: it forgets what was requested
// and starts new ones.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engines/row_feed.hpp"
#include "feeding/file_reader.hpp"

namespace creche::CRECHE_LEVEL {

class ReadAhead {
 public:
  struct Piece {
    std::int64_t offset;
    std::int64_t size;
    char* to;
  };
  // Called for each piece that has been read, on the thread that read it. What it throws, wait throws.
  using AfterPiece = std::function<void(const Piece&)>;

  // The reader must outlive it.
  ReadAhead(FileReader& reader, int slots, int threads, AfterPiece after_piece);
  ~ReadAhead();

  // To be called before requests. Returns true if all that was requested before is lost.
  bool restart_after_fork();

  // Requests a slot, in place of what was requested of it before.
  void request(int slot, const std::vector<Piece>& pieces);

  // Waits until a slot is complete. Returns false if `stop`, called every 50 ms, asked to stop. Throws what a thread
  // failed with; then nothing is requested any more.
  bool wait(int slot, const StopWaiting& stop);

  double seconds_waited() const { return seconds_waited_; }

 private:
  struct Shared;

  FileReader& reader_;
  int slots_, threads_;
  AfterPiece after_piece_;
  double seconds_waited_ = 0;
  pid_t owner_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace creche::CRECHE_LEVEL
