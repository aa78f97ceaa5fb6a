// The state of a run, independent of what trains it: Solo or a pack.
#pragma once

#include <vector>

#include "aligned.hpp"
#include "engines/solo.hpp"
#include "progress.hpp"

namespace creche::CRECHE_LEVEL {

// The arenas have the layout of `Solo`; best is empty without early stopping.
template <class T>
struct MemberState {
  AlignedArray<T> weights;
  std::vector<AlignedArray<T>> planes;
  AlignedArray<T> best;
  Progress progress;
  std::vector<EpochRecord> history;
  Status status = Status::running;
  Divergence divergence;
};

template <class T>
AlignedArray<T> copy_array(const AlignedArray<T>& array) {
  AlignedArray<T> out(array.size());
  out.copy_from(array);
  return out;
}

template <class T>
MemberState<T> read_state(Solo<T>& solo) {
  MemberState<T> out;
  out.weights = copy_array(solo.network().weights);
  for (const AlignedArray<T>& plane : solo.planes()) out.planes.push_back(copy_array(plane));
  out.best = copy_array(solo.best_weights());
  out.progress = solo.progress();
  out.history = solo.history();
  out.status = solo.status();
  out.divergence = solo.divergence();
  return out;
}

template <class T>
void write_state(Solo<T>& solo, const MemberState<T>& state) {
  solo.network().weights.copy_from(state.weights);
  for (std::size_t p = 0; p < state.planes.size(); ++p) solo.planes()[p].copy_from(state.planes[p]);
  solo.best_weights().copy_from(state.best);
  solo.progress() = state.progress;
  solo.history() = state.history;
  solo.state_changed();
}

}  // namespace creche::CRECHE_LEVEL
