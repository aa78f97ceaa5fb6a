#include "engines/colony.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

// A pack whose weights and state are larger than this does not fit into the second-level cache: Solo reads them once
// per batch, a pack once per row.
constexpr std::int64_t kLargestPack = 1 << 20;

constexpr double kSecondsPerPoll = 0.05;

// How long the calling thread sleeps while others finish: little beside an epoch of a small colony.
constexpr std::chrono::microseconds kWait{50};

constexpr std::size_t kMostGroups = 256;  // of members whose steps have the same coefficients

// What a row costs in a pack, which does not depend on how many networks the pack holds, and in Solo. Counts the
// multiply-adds of whole registers: in Solo, a layer of 10 neurons takes as long as one of 16. Their ratio is accurate
// to a third, as measured with 4 to 30 inputs and layers of 5 to 64 neurons.
double cost_in_pack(const NetworkShape& shape, int lanes) {
  double sum = 0;
  for (const LayerShape& layer : shape.layers) sum += static_cast<double>(layer.inputs * layer.outputs);
  return sum * lanes / kPanel;
}

double cost_alone(const NetworkShape& shape) {
  double sum = 0;
  for (const LayerShape& layer : shape.layers) sum += static_cast<double>(layer.inputs * layer.output_panels());
  return sum;
}

// Whether the `remaining` networks of a kind that already fills `packs` packs are trained faster in another, partly
// empty pack than one by one. alone: the colony has no other kind that could keep the threads busy meanwhile.
bool is_worth_a_pack(std::size_t remaining, std::size_t packs, double time, int threads, bool alone) {
  const double one_by_one = static_cast<double>(remaining);
  if (!alone) return one_by_one > time;
  const auto rounds = [&](std::size_t units) { return std::ceil(static_cast<double>(units) / threads); };
  const double shared = (static_cast<double>(packs) * time + one_by_one) / threads;
  const double by_solo = packs == 0 ? rounds(remaining) : std::max(rounds(packs) * time, shared);
  return by_solo > rounds(packs + 1) * time;
}

// Calls work(i) for each i below count, on all threads, and throws the last exception of any.
void each_on_threads(Threads& threads, std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failing;
  threads.run([&](int) {
    try {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(failing);
      failure = std::current_exception();
      next = count;
    }
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

template <class T>
Colony<T>::Colony(std::vector<Member<T>> members, int threads) : threads_(threads), slots_(members.size()) {
  for (Member<T>& member : members) members_.push_back(std::make_unique<Member<T>>(std::move(member)));
  make_packs();
}

// Groups the members by kind, in their original order, and forms packs.
template <class T>
void Colony<T>::make_packs() {
  std::vector<std::vector<std::size_t>> kinds;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const std::vector<std::size_t>& members) {
      return fits_pack(*members_[members.front()], *members_[m]);
    });
    if (kind == kinds.end()) {
      kinds.push_back({m});
    } else {
      kind->push_back(m);
    }
  }
  for (std::vector<std::size_t>& members : kinds) group_similar_members(members);
  std::vector<std::size_t> alone;
  std::vector<std::vector<const Member<T>*>> in_units;  // the members of each pack, then the single networks
  for (const std::vector<std::size_t>& members : kinds) {
    const Plan& plan = members_[members.front()]->plan;
    const std::int64_t rows = members_[members.front()]->train.count;
    constexpr auto lanes = static_cast<std::size_t>(Pack<T>::kLanes);
    std::size_t packed = members.size();
    if ((searches_line(plan.optimizer) && plan.batch_size < rows) || plan.shards > 1 || plan.rounds_products ||
        Pack<T>::working_set(plan, rows) > kLargestPack) {
      packed = 0;
    } else if (const std::size_t remaining = members.size() % lanes; remaining > 0) {
      const NetworkShape shape(plan);
      const double time = cost_in_pack(shape, Pack<T>::kLanes) / cost_alone(shape);
      if (!is_worth_a_pack(remaining, members.size() / lanes, time, threads_.count(), kinds.size() == 1))
        packed -= remaining;
    }
    for (std::size_t begin = 0; begin < packed; begin += lanes) {
      std::vector<const Member<T>*> in_pack;
      for (std::size_t i = begin; i < std::min(begin + lanes, packed); ++i) {
        slots_[members[i]] = {units_.size(), static_cast<int>(i - begin)};
        in_pack.push_back(members_[members[i]].get());
      }
      in_units.push_back(std::move(in_pack));
      units_.emplace_back();
    }
    alone.insert(alone.end(), members.begin() + static_cast<std::ptrdiff_t>(packed), members.end());
  }
  const std::size_t packs = units_.size();
  for (std::size_t m : alone) {
    slots_[m] = {units_.size(), -1};
    in_units.push_back({members_[m].get()});
    units_.emplace_back();
  }
  // Their weights are drawn on all threads.
  each_on_threads(threads_, units_.size(), [&](std::size_t u) {
    if (u < packs) {
      units_[u].pack = std::make_unique<Pack<T>>(std::move(in_units[u]));
    } else {
      const Member<T>& member = *in_units[u].front();
      units_[u].solo = std::make_unique<Solo<T>>(member.plan, member.train, member.validation, 1);
    }
  });
  order_units();
}

// Those that take longest come first, so that the threads finish at nearly the same time.
template <class T>
void Colony<T>::order_units() {
  std::vector<double> costs(units_.size(), -1);
  for (std::size_t m = 0; m < members_.size(); ++m) {
    double& cost = costs[slots_[m].unit];
    if (cost >= 0) continue;  // the members of a pack are alike
    const Member<T>& member = *members_[m];
    const NetworkShape shape(member.plan);
    cost = units_[slots_[m].unit].pack ? cost_in_pack(shape, Pack<T>::kLanes)
                                       : cost_alone(shape) * static_cast<double>(member.plan.submodels);
    cost *= static_cast<double>(member.train.count);
  }
  order_.resize(units_.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) { return costs[a] > costs[b]; });
}

// Puts members next to each other that visit the same rows in the same order, if there are enough of them to fill
// packs: such a pack reads its rows once for all members. Otherwise groups the members whose steps have the same
// coefficients, and otherwise keeps the original order.
template <class T>
void Colony<T>::group_similar_members(std::vector<std::size_t>& members) const {
  std::vector<std::vector<std::size_t>> groups;
  std::map<std::pair<std::uint64_t, const T*>, std::size_t> orders;
  for (std::size_t m : members) {
    const Member<T>& member = *members_[m];
    const auto [order, is_new] = orders.try_emplace({member.plan.seed, member.train.x}, groups.size());
    if (is_new) groups.emplace_back();
    groups[order->second].push_back(m);
  }
  if (members.size() < groups.size() * Pack<T>::kLanes / 2) {
    groups.clear();
    for (std::size_t m : members) {
      if (groups.size() == kMostGroups) return;  // too many to compare each member with all of them
      const auto group = std::find_if(groups.begin(), groups.end(), [&](const std::vector<std::size_t>& other) {
        return have_same_rates(*members_[other.front()], *members_[m]);
      });
      group == groups.end() ? groups.push_back({m}) : group->push_back(m);
    }
  }
  members.clear();
  for (const std::vector<std::size_t>& group : groups) members.insert(members.end(), group.begin(), group.end());
}

template <class T>
std::int64_t Colony<T>::packed() const {
  return std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.lane >= 0; });
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
  const auto should_stop = [&]() -> bool {
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
        thread == 0 ? std::function<bool()>(should_stop)
                    : std::function<bool()>([&] { return stop.load(std::memory_order_relaxed); });
    try {
      for (std::size_t i = next++; i < order_.size() && !stopped(); i = next++)
        run_unit(units_[order_[i]], epoch, stopped);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(failing);
      failure = std::current_exception();
      stop = true;
    }
    --working;
    if (thread != 0) return;
    while (working.load() > 0) {
      should_stop();
      std::this_thread::sleep_for(kWait);
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
  const Slot& slot = slots_[static_cast<std::size_t>(m)];
  const Unit& unit = units_[slot.unit];
  const Status status = unit.pack ? unit.pack->status(slot.lane) : unit.solo->status();
  return status == Status::interrupted ? Status::running : status;  // only the colony as a whole is interrupted
}

template <class T>
const Progress& Colony<T>::progress(std::int64_t m) const {
  const Slot& slot = slots_[static_cast<std::size_t>(m)];
  const Unit& unit = units_[slot.unit];
  return unit.pack ? unit.pack->progress(slot.lane) : unit.solo->progress();
}

template <class T>
const std::vector<EpochRecord>& Colony<T>::history(std::int64_t m) const {
  const Slot& slot = slots_[static_cast<std::size_t>(m)];
  const Unit& unit = units_[slot.unit];
  return unit.pack ? unit.pack->history(slot.lane) : unit.solo->history();
}

template <class T>
const Divergence& Colony<T>::divergence(std::int64_t m) const {
  const Slot& slot = slots_[static_cast<std::size_t>(m)];
  const Unit& unit = units_[slot.unit];
  return unit.pack ? unit.pack->divergence(slot.lane) : unit.solo->divergence();
}

template <class T>
MemberState<T> Colony<T>::state(std::int64_t m) const {
  const Slot& slot = slots_[static_cast<std::size_t>(m)];
  const Unit& unit = units_[slot.unit];
  MemberState<T> state = unit.pack ? unit.pack->state(slot.lane) : read_state(*unit.solo);
  state.status = status(m);
  return state;
}

template <class T>
void Colony<T>::set_state(std::int64_t m, const MemberState<T>& state) {
  const Slot& slot = slots_[static_cast<std::size_t>(m)];
  Unit& unit = units_[slot.unit];
  unit.pack ? unit.pack->set_state(slot.lane, state) : write_state(*unit.solo, state);
}

#define INSTANTIATE(T) template class Colony<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
