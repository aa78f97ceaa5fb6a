#include "colony.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>

namespace rookery::ROOKERY_LEVEL {

namespace {

// A pack whose weights and state are larger than this no longer fits the second-level cache: Solo goes through them
// once for a batch, a pack once for a row.
constexpr std::int64_t kLargestPack = 1 << 20;

// Fewer networks than this of one kind are trained sooner one by one than in a pack that is mostly empty.
constexpr std::size_t kFewestInPack = 3;

constexpr double kSecondsPerPoll = 0.05;

}  // namespace

template <class T>
Colony<T>::Colony(std::vector<Member<T>> members, int threads) : threads_(threads), places_(members.size()) {
  for (Member<T>& member : members) members_.push_back(std::make_unique<Member<T>>(std::move(member)));
  make_packs();
}

// Members of one kind stand together in the order they came.
template <class T>
void Colony<T>::make_packs() {
  std::vector<std::vector<std::size_t>> kinds;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const std::vector<std::size_t>& of) {
      return fits_pack(*members_[of.front()], *members_[m]);
    });
    if (kind == kinds.end()) {
      kinds.push_back({m});
    } else {
      kind->push_back(m);
    }
  }
  for (std::vector<std::size_t>& of : kinds) stand_alike_together(of);
  for (const std::vector<std::size_t>& of : kinds) {
    const bool is_wide = Pack<T>::working_set(members_[of.front()]->plan) > kLargestPack;
    for (std::size_t begin = 0; begin < of.size();) {
      const std::size_t left = of.size() - begin;
      const std::size_t lanes = std::min(left, static_cast<std::size_t>(Pack<T>::kLanes));
      const std::size_t taken = is_wide || lanes < kFewestInPack ? 1 : lanes;
      Unit unit;
      std::vector<const Member<T>*> together;
      for (std::size_t i = begin; i < begin + taken; ++i) {
        places_[of[i]] = {units_.size(), taken > 1 ? static_cast<int>(i - begin) : -1};
        together.push_back(members_[of[i]].get());
      }
      if (taken > 1) {
        unit.pack = std::make_unique<Pack<T>>(std::move(together));
      } else {
        const Member<T>& member = *together.front();
        unit.solo = std::make_unique<Solo<T>>(member.plan, member.train, member.validation, 1);
      }
      units_.push_back(std::move(unit));
      begin += taken;
    }
  }
}

// Members whose steps have the same coefficients next to each other, else in the order they came.
template <class T>
void Colony<T>::stand_alike_together(std::vector<std::size_t>& of) const {
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t m : of) {
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const std::vector<std::size_t>& other) {
      return same_rates(*members_[other.front()], *members_[m]);
    });
    group == groups.end() ? groups.push_back({m}) : group->push_back(m);
  }
  of.clear();
  for (const std::vector<std::size_t>& group : groups) of.insert(of.end(), group.begin(), group.end());
}

template <class T>
std::int64_t Colony<T>::packed() const {
  return std::count_if(places_.begin(), places_.end(), [](const Place& place) { return place.lane >= 0; });
}

template <class T>
Status Colony<T>::run(std::int64_t epoch, double seconds, const std::function<bool()>& poll) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  const auto seconds_since = [](Clock::time_point from) {
    return std::chrono::duration<double>(Clock::now() - from).count();
  };
  std::atomic<bool> stop{false};
  std::atomic<int> working{threads_.count()};
  bool interrupted = false;
  Clock::time_point last_poll = begin;
  // Only the calling thread may poll.
  const auto look = [&]() -> bool {
    if (seconds >= 0 && seconds_since(begin) >= seconds) stop = true;
    if (poll && seconds_since(last_poll) >= kSecondsPerPoll) {
      last_poll = Clock::now();
      if (poll()) stop = interrupted = true;
    }
    return stop.load(std::memory_order_relaxed);
  };
  std::exception_ptr failure;
  std::mutex failing;
  std::atomic<std::size_t> next{0};
  threads_.run([&](int thread) {
    const std::function<bool()> stopped =
        thread == 0 ? std::function<bool()>(look)
                    : std::function<bool()>([&] { return stop.load(std::memory_order_relaxed); });
    try {
      for (std::size_t u = next++; u < units_.size() && !stopped(); u = next++) run_unit(units_[u], epoch, stopped);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(failing);
      failure = std::current_exception();
      stop = true;
    }
    --working;
    if (thread != 0) return;
    while (working.load() > 0) {
      look();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  if (failure) std::rethrow_exception(failure);
  if (interrupted) return Status::interrupted;
  for (std::int64_t m = 0; m < count(); ++m)
    if (status(m) == Status::running) return Status::running;
  return Status::finished;
}

template <class T>
void Colony<T>::run_unit(Unit& unit, std::int64_t epoch, const std::function<bool()>& stop) {
  const std::int64_t until = epoch < 0 ? std::numeric_limits<std::int64_t>::max() : epoch;
  if (unit.pack) {
    unit.pack->run(until, stop);
  } else {
    Limits limits;
    limits.epochs = std::max<std::int64_t>(0, until - unit.solo->progress().epoch);
    unit.solo->run(limits, stop);
  }
}

template <class T>
Status Colony<T>::status(std::int64_t m) const {
  const Place& place = places_[static_cast<std::size_t>(m)];
  const Unit& unit = units_[place.unit];
  return unit.pack ? unit.pack->status(place.lane) : unit.solo->status();
}

template <class T>
const Progress& Colony<T>::progress(std::int64_t m) const {
  const Place& place = places_[static_cast<std::size_t>(m)];
  const Unit& unit = units_[place.unit];
  return unit.pack ? unit.pack->progress(place.lane) : unit.solo->progress();
}

template <class T>
MemberState<T> Colony<T>::state(std::int64_t m) const {
  const Place& place = places_[static_cast<std::size_t>(m)];
  const Unit& unit = units_[place.unit];
  return unit.pack ? unit.pack->state(place.lane) : state_of(*unit.solo);
}

template <class T>
void Colony<T>::set_state(std::int64_t m, const MemberState<T>& state) {
  const Place& place = places_[static_cast<std::size_t>(m)];
  Unit& unit = units_[place.unit];
  unit.pack ? unit.pack->set_state(place.lane, state) : set_state_of(*unit.solo, state);
}

template class Colony<float>;
template class Colony<double>;

}  // namespace rookery::ROOKERY_LEVEL
