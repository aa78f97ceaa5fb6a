#include "feeding/file_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace creche::CRECHE_LEVEL {

namespace {

std::int64_t nanoseconds_of_change(const struct stat& status) {
#if defined(__APPLE__)
  const timespec& at = status.st_mtimespec;
#else
  const timespec& at = status.st_mtim;
#endif
  return static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

}  // namespace

FileReader::FileReader(const StoredTable& table) : table_(table) {
  file_ = open(table.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0) throw ReadError(table.path + ": cannot be read: " + std::strerror(errno));
  try {
    check_unchanged();
  } catch (...) {
    close(file_);
    throw;
  }
  if (!table.direct) return;
#if defined(O_DIRECT)
  direct_file_ = open(table.path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
  reads_directly_ = direct_file_ >= 0;
#endif
#if defined(POSIX_FADV_RANDOM)
  posix_fadvise(file_, 0, 0, POSIX_FADV_RANDOM);
#elif defined(F_NOCACHE)
  fcntl(file_, F_NOCACHE, 1);
#endif
}

FileReader::~FileReader() {
  close(file_);
  if (direct_file_ >= 0) close(direct_file_);
}

void FileReader::read(std::int64_t offset, std::int64_t size, char* to) {
  std::int64_t done = 0;
  const bool is_aligned = offset % kAligned == 0 && reinterpret_cast<std::uintptr_t>(to) % kAligned == 0;
  if (is_aligned && reads_directly_.load(std::memory_order_relaxed)) {
    done = read_from(direct_file_, offset, size / kAligned * kAligned, to);
    if (done < 0) {
      reads_directly_ = false;
      done = 0;
    }
  }
  if (done < size) {
    const std::int64_t rest = read_from(file_, offset + done, size - done, to + done);
#if defined(POSIX_FADV_DONTNEED)
    if (table_.direct) posix_fadvise(file_, offset + done, size - done, POSIX_FADV_DONTNEED);
#endif
    done += rest;
  }
  check_unchanged();
  if (done < size)
    throw ReadError(table_.path + ": ends at byte " + std::to_string(offset + done) +
                    ", before its last row; it has been cut off");
}

std::int64_t FileReader::read_from(int file, std::int64_t offset, std::int64_t size, char* to) const {
  std::int64_t done = 0;
  while (done < size) {
    const ssize_t got = pread(file, to + done, static_cast<std::size_t>(size - done), offset + done);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EINVAL && file == direct_file_) return -1;
    if (got < 0)
      throw ReadError(table_.path + ": cannot be read at byte " + std::to_string(offset + done) + ": " +
                      std::strerror(errno));
    done += got;
  }
  return done;
}

void FileReader::check_unchanged() const {
  struct stat status;
  if (fstat(file_, &status) != 0) throw ReadError(table_.path + ": cannot be read: " + std::strerror(errno));
  if (status.st_size != table_.size || nanoseconds_of_change(status) != table_.changed_at)
    throw ReadError(table_.path +
                    ": has changed since it was opened; leave it alone while it is used, and begin again");
}

}  // namespace creche::CRECHE_LEVEL
