// Many networks in training at once: in packs, one network per lane, if they are narrow and of one shape; each by its
// own `Solo` if they are wide. Threads take one pack or network after the other. Each member ends with the same bytes
// as if it were trained alone.
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

  // Trains until `epoch` epochs are completed (to the end of the plan if negative), for at most `seconds` (without
  // limit if negative). poll, if set, is called from time to time on the calling thread; true interrupts.
  Status run(std::int64_t epoch, double seconds, const std::function<bool()>& poll);

  std::int64_t count() const { return static_cast<std::int64_t>(members_.size()); }
  const Member<T>& member(std::int64_t m) const { return *members_[static_cast<std::size_t>(m)]; }
  // The number of networks in packs; Solo trains the others.
  std::int64_t packed() const;
  bool is_packed(std::int64_t m) const { return slots_[static_cast<std::size_t>(m)].lane >= 0; }

  Status status(std::int64_t m) const;
  const Progress& progress(std::int64_t m) const;
  const std::vector<EpochRecord>& history(std::int64_t m) const;
  // Meaningful for a member that diverged.
  const Divergence& divergence(std::int64_t m) const;
  MemberState<T> state(std::int64_t m) const;
  void set_state(std::int64_t m, const MemberState<T>& state);

 private:
  // The position of a member: a lane of a pack, or a unit of its own.
  struct Slot {
    std::size_t unit = 0;
    int lane = -1;
  };
  struct Unit {
    std::unique_ptr<Pack<T>> pack;
    std::unique_ptr<Solo<T>> solo;
  };

  void make_packs();
  void order_units();
  void group_similar_members(std::vector<std::size_t>& members) const;
  static void run_unit(Unit& unit, std::int64_t epoch, const std::function<bool()>& stop);

  std::vector<std::unique_ptr<Member<T>>> members_;
  Threads threads_;
  std::vector<Unit> units_;
  std::vector<std::size_t> order_;  // in which threads take them
  std::vector<Slot> slots_;
};

}  // namespace creche::CRECHE_LEVEL
