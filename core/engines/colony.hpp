// Many networks at once: packed, one to a lane, where they are narrow and of one shape; by `Solo`, side by side, where
// they are wide. Threads take packs and networks one after the other. Each member ends with the bytes it has alone.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engines/pack.hpp"
#include "engines/solo.hpp"
#include "threads.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
class Colony {
 public:
  // The members' tables must outlive the colony and not change.
  Colony(std::vector<Member<T>> members, int threads);

  // Trains until `epoch` epochs are completed (all there are, if negative), for so many seconds at most (without end,
  // if negative). poll, if set, is called now and then on the calling thread; true interrupts.
  Status run(std::int64_t epoch, double seconds, const std::function<bool()>& poll);

  std::int64_t count() const { return static_cast<std::int64_t>(members_.size()); }
  const Member<T>& member(std::int64_t m) const { return *members_[static_cast<std::size_t>(m)]; }
  // How many networks are in packs; the others are trained by Solo.
  std::int64_t packed() const;

  Status status(std::int64_t m) const;
  const Progress& progress(std::int64_t m) const;
  MemberState<T> state(std::int64_t m) const;
  void set_state(std::int64_t m, const MemberState<T>& state);

 private:
  // Where a member is: in a lane of a pack, or alone.
  struct Slot {
    std::size_t unit = 0;
    int lane = -1;
  };
  struct Unit {
    std::unique_ptr<Pack<T>> pack;
    std::unique_ptr<Solo<T>> solo;
  };

  void make_packs();
  void group_similar_members(std::vector<std::size_t>& members) const;
  static void run_unit(Unit& unit, std::int64_t epoch, const std::function<bool()>& stop);

  std::vector<std::unique_ptr<Member<T>>> members_;
  Threads threads_;
  std::vector<Unit> units_;
  std::vector<Slot> slots_;
};

}  // namespace creche::CRECHE_LEVEL
