#include "engines/lane_line_search.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "engines/line_search_rules.hpp"
#include "precisions.hpp"
#include "simd/gather.hpp"
#include "simd/unroll.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class Lanes>
bool is_any(const Lanes& lanes) {
  return std::any_of(lanes.begin(), lanes.end(), [](bool is_one) { return is_one; });
}

template <class V, class Lengths>
V lengths_of(const Lengths& searches) {
  return make_lanes<V>(
      [&](int i) { return static_cast<typename V::Scalar>(searches[static_cast<std::size_t>(i)].length); });
}

}  // namespace

template <class T>
LaneLineSearch<T>::LaneLineSearch(const OptimizerPlan& plan, const NetworkShape& shape)
    : history_(plan.history), size_(shape.parameters) {
  std::int64_t rows = 0;
  for (const ParameterBlock& block : shape.blocks) {
    blocks_.push_back({block.lanes_at, block.rows, block.columns, rows});
    rows += block.rows;
  }
}

template <class T>
typename LaneLineSearch<T>::M LaneLineSearch<T>::mask(const Lanes& lanes) {
  return make_lanes<V>([&](int i) { return lanes[static_cast<std::size_t>(i)] ? T(1) : T(0); }) > V(T(0));
}

// The columns stay in registers.
template <class T>
template <int kColumns, int kSums, class F>
CRECHE_INLINE void LaneLineSearch<T>::sum_columns(const Block& block, std::int64_t column, F&& add,
                                                  DoubleSums<V>* totals) const {
  DoubleSums<V> sums[kColumns * kSums];
  std::int64_t k = block.at + column;
  for (std::int64_t row = block.first_row; row < block.first_row + block.rows; ++row, k += block.columns)
    unroll<kColumns>([&](auto c) __attribute__((always_inline)) { add(k + c, row, sums + c * kSums); });
  for (int c = 0; c < kColumns; ++c)
    for (int s = 0; s < kSums; ++s) totals[s].add(sums[c * kSums + s]);
}

// Sums over all weights: add(k, row, sums) adds the k-th ones, which are in this row of a block, to the sums of a
// column.
template <class T>
template <int kSums, class F>
std::array<typename LaneLineSearch<T>::Numbers, kSums> LaneLineSearch<T>::sums(F&& add) const {
  constexpr int kColumns = kSums == 1 ? 4 : 2;
  DoubleSums<V> totals[kSums];
  for (const Block& block : blocks_) {
    std::int64_t column = 0;
    for (; column + kColumns <= block.columns; column += kColumns)
      sum_columns<kColumns, kSums>(block, column, add, totals);
    for (; column < block.columns; ++column) sum_columns<1, kSums>(block, column, add, totals);
  }
  std::array<Numbers, kSums> out;
  for (std::size_t s = 0; s < kSums; ++s) totals[s].store(out[s].data());
  return out;
}

template <class T>
template <class A, class B>
typename LaneLineSearch<T>::Numbers LaneLineSearch<T>::dot(const A& a, const B& b) const {
  return sums<1>([&](std::int64_t k, std::int64_t, DoubleSums<V>* sum)
                     __attribute__((always_inline)) { sum->add_product(a[k], b[k]); })[0];
}

template <class T>
typename LaneLineSearch<T>::Lanes LaneLineSearch<T>::are_at_trial(const T* weights, Planes& planes,
                                                                  const Searches& searches) const {
  const V t = lengths_of<V>(searches);
  const V* const x = plane(planes, Lbfgs::kPoint);
  const V* const d = plane(planes, Lbfgs::kDirection);
  const V* const w = reinterpret_cast<const V*>(weights);
  V differs(T(0));
  for (std::int64_t k = 0; k < size_; ++k) differs = select(w[k] == fma(t, d[k], x[k]), differs, V(T(1)));
  Lanes out;
  for (int i = 0; i < kLanes; ++i) out[static_cast<std::size_t>(i)] = differs.lane(i) == 0;
  return out;
}

// Adds the gradient of the penalty to the gradients, and returns the penalty.
template <class T>
typename LaneLineSearch<T>::Numbers LaneLineSearch<T>::add_weight_decay(const Lanes& lanes, const Evaluated& at) const {
  const V* const w = vectors(at.weights);
  V* const g = vectors(at.gradients);
  const V* const decay = reinterpret_cast<const V*>(at.decay);
  const M decays = mask(lanes);
  Numbers penalty = sums<1>([&](std::int64_t k, std::int64_t row, DoubleSums<V>* sum) __attribute__((always_inline)) {
    g[k] = select(decays, fma(decay[row], w[k], g[k]), g[k]);
    sum->add_scaled_square(decay[row], w[k]);
  })[0];
  for (std::size_t i = 0; i < kLanes; ++i) penalty[i] = lanes[i] ? 0.5 * penalty[i] : 0;
  return penalty;
}

template <class T>
void LaneLineSearch<T>::keep_pairs(Lanes lanes, const Evaluated& at, Searches& searches) const {
  const V* const w = vectors(at.weights);
  const V* const g = vectors(at.gradients);
  const V* const x = plane(at.planes, Lbfgs::kPoint);
  const V* const g_of_x = plane(at.planes, Lbfgs::kGradient);
  const auto [ss, sy, yy] =
      sums<3>([&](std::int64_t k, std::int64_t, DoubleSums<V>* sum) __attribute__((always_inline)) {
        const V s = w[k] - x[k], y = g[k] - g_of_x[k];
        sum[0].add_product(s, s);
        sum[1].add_product(s, y);
        sum[2].add_product(y, y);
      });
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = lanes[i] && has_curvature(ss[i], sy[i], yy[i]);
  while (is_any(lanes)) {  // those with the slot of the first one
    const auto first = static_cast<std::size_t>(std::find(lanes.begin(), lanes.end(), true) - lanes.begin());
    const int at_slot = slot(searches[first].pairs);
    Lanes same{};
    for (std::size_t i = 0; i < kLanes; ++i) same[i] = lanes[i] && slot(searches[i].pairs) == at_slot;
    V* const s = plane(at.planes, at_slot);
    V* const y = plane(at.planes, at_slot + 1);
    const M keep = mask(same);
    for (std::int64_t k = 0; k < size_; ++k) {
      s[k] = select(keep, w[k] - x[k], s[k]);
      y[k] = select(keep, g[k] - g_of_x[k], y[k]);
    }
    for (std::size_t i = 0; i < kLanes; ++i) {
      if (same[i]) ++searches[i].pairs;
      lanes[i] = lanes[i] && !same[i];
    }
  }
}

// The part (0: s, 1: y) of the pair of this age; 0 is the newest.
template <class T>
typename LaneLineSearch<T>::Pair LaneLineSearch<T>::pair(const Lanes& lanes, Planes& planes, const Searches& searches,
                                                         std::size_t age, int part) const {
  Pair out;
  std::vector<std::pair<int, Lanes>> by_plane;
  for (std::size_t i = 0; i < kLanes; ++i) {
    if (!lanes[i]) continue;
    const int number = slot(searches[i].pairs - 1 - static_cast<double>(age)) + part;
    auto found = std::find_if(by_plane.begin(), by_plane.end(), [&](const auto& one) { return one.first == number; });
    if (found == by_plane.end()) found = by_plane.insert(found, {number, Lanes{}});
    found->second[i] = true;
  }
  for (const auto& [number, in] : by_plane) {
    out.planes.push_back(plane(planes, number));
    out.lanes.push_back(mask(in));
  }
  return out;
}

// The two loops, from the gradients to the plane of the direction. Returns the lanes whose directions have a history.
template <class T>
typename LaneLineSearch<T>::Lanes LaneLineSearch<T>::find_directions(const Lanes& lanes, const Evaluated& at,
                                                                     Searches& searches) const {
  const V* const g = vectors(at.gradients);
  V* const d = plane(at.planes, Lbfgs::kDirection);
  const auto start = [&](const Lanes& in) {
    const M from_gradients = mask(in);
    for (std::int64_t k = 0; k < size_; ++k) d[k] = select(from_gradients, -g[k], d[k]);
  };
  // Those of the lanes with more than `age` pairs.
  const auto with_pairs = [&](std::size_t age) {
    Lanes in{};
    for (std::size_t i = 0; i < kLanes; ++i)
      in[i] = lanes[i] && static_cast<double>(age) < std::min(searches[i].pairs, static_cast<double>(history_));
    return in;
  };
  const auto add = [&](const Lanes& in, const Numbers& factor, const Pair& from) {
    const V by = make_lanes<V>([&](int i) { return static_cast<T>(factor[static_cast<std::size_t>(i)]); });
    const M to = mask(in);
    for (std::int64_t k = 0; k < size_; ++k) d[k] = select(to, fma(by, from[k], d[k]), d[k]);
  };
  start(lanes);
  std::vector<Numbers> curvatures, factors;
  for (std::size_t age = 0; is_any(with_pairs(age)); ++age) {
    const Lanes in = with_pairs(age);
    const Pair s = pair(in, at.planes, searches, age, 0), y = pair(in, at.planes, searches, age, 1);
    const auto [sy, sd] = sums<2>([&](std::int64_t k, std::int64_t, DoubleSums<V>* sum) __attribute__((always_inline)) {
      const V s_of_k = s[k];
      sum[0].add_product(s_of_k, y[k]);
      sum[1].add_product(s_of_k, d[k]);
    });
    Numbers factor, down;
    for (std::size_t i = 0; i < kLanes; ++i) {
      factor[i] = sd[i] / sy[i];
      down[i] = -factor[i];
    }
    curvatures.push_back(sy);
    factors.push_back(factor);
    add(in, down, y);
  }
  const Lanes with_any = with_pairs(0);
  if (is_any(with_any)) {
    const Pair y = pair(with_any, at.planes, searches, 0, 1);
    const Numbers yy = dot(y, y);
    const V scale = make_lanes<V>([&](int lane) {
      const auto i = static_cast<std::size_t>(lane);
      return static_cast<T>(curvatures[0][i] / yy[i]);
    });
    const M scaled = mask(with_any);
    for (std::int64_t k = 0; k < size_; ++k) d[k] = select(scaled, d[k] * scale, d[k]);
  }
  for (std::size_t age = curvatures.size(); age-- > 0;) {
    const Lanes in = with_pairs(age);
    const Numbers yd = dot(pair(in, at.planes, searches, age, 1), d);
    Numbers factor;
    for (std::size_t i = 0; i < kLanes; ++i) factor[i] = factors[age][i] - yd[i] / curvatures[age][i];
    add(in, factor, pair(in, at.planes, searches, age, 0));
  }
  Lanes has_history = with_any, begins_anew{};
  const Numbers slope = is_any(with_any) ? dot(g, d) : Numbers{};
  for (std::size_t i = 0; i < kLanes; ++i) {
    has_history[i] = has_history[i] && leads_down(slope[i]);
    begins_anew[i] = lanes[i] && !has_history[i];
    if (begins_anew[i]) searches[i].pairs = 0;
  }
  if (is_any(begins_anew)) start(begins_anew);
  return has_history;
}

// Divides the lengths until all weights are finite.
template <class T>
void LaneLineSearch<T>::make_finite(Lanes lanes, Planes& planes, Searches& searches) const {
  const V* const x = plane(planes, Lbfgs::kPoint);
  const V* const d = plane(planes, Lbfgs::kDirection);
  while (is_any(lanes)) {
    const V t = lengths_of<V>(searches);
    V zero_or_nan(T(0));
    for (std::int64_t k = 0; k < size_; ++k) zero_or_nan = fma(fma(t, d[k], x[k]), V(T(0)), zero_or_nan);
    for (int lane = 0; lane < kLanes; ++lane) {
      const auto i = static_cast<std::size_t>(lane);
      lanes[i] = lanes[i] && zero_or_nan.lane(lane) != 0 && searches[i].length > 0;
      if (lanes[i]) searches[i].length *= kLeastFactor;
    }
  }
}

template <class T>
void LaneLineSearch<T>::go_to_trials(const Lanes& lanes, T* weights, Planes& planes, const Searches& searches) const {
  const V t = lengths_of<V>(searches);
  const V* const x = plane(planes, Lbfgs::kPoint);
  const V* const d = plane(planes, Lbfgs::kDirection);
  V* const w = vectors(weights);
  const M go = mask(lanes);
  for (std::int64_t k = 0; k < size_; ++k) w[k] = select(go, fma(t, d[k], x[k]), w[k]);
}

template <class T>
void LaneLineSearch<T>::step(const Lanes& lanes, const Evaluated& at, Searches& searches) const {
  V* const x = plane(at.planes, Lbfgs::kPoint);
  V* const g_of_x = plane(at.planes, Lbfgs::kGradient);
  const V* const w = vectors(at.weights);
  const V* const g = vectors(at.gradients);
  Numbers loss = at.loss;
  if (is_any(at.decays)) {
    const Numbers penalty = add_weight_decay(at.decays, at);
    for (std::size_t i = 0; i < kLanes; ++i) loss[i] += penalty[i];
  }
  const Numbers size = sums<1>([&](std::int64_t k, std::int64_t, DoubleSums<V>* sum)
                                   __attribute__((always_inline)) { sum->add(abs(g[k])); })[0];
  const Lanes at_trial = are_at_trial(at.weights, at.planes, searches);
  const Numbers slope = dot(g_of_x, plane(at.planes, Lbfgs::kDirection));
  Lanes is_accepted{}, has_moved{};
  for (std::size_t i = 0; i < kLanes; ++i) {
    if (!lanes[i]) continue;
    Lbfgs::Search& search = searches[i];
    const bool continues = std::isfinite(search.loss) && at_trial[i];
    const bool is_tried = continues && search.length != 0;
    if (is_tried && !(std::isfinite(loss[i]) && std::isfinite(size[i]))) {
      search.length *= kLeastFactor;
    } else if (is_tried && !descends_enough(search, slope[i], loss[i])) {
      creche::CRECHE_LEVEL::shorten(search, shorter_length(search, slope[i], loss[i]));
    } else {
      if (!continues) search.pairs = 0;
      is_accepted[i] = true;
      has_moved[i] = is_tried;
    }
  }
  if (is_any(has_moved)) keep_pairs(has_moved, at, searches);
  if (is_any(is_accepted)) {
    const M accepted = mask(is_accepted);
    for (std::int64_t k = 0; k < size_; ++k) {
      x[k] = select(accepted, w[k], x[k]);
      g_of_x[k] = select(accepted, g[k], g_of_x[k]);
    }
    const Lanes has_history = find_directions(is_accepted, at, searches);
    for (std::size_t i = 0; i < kLanes; ++i) {
      if (!is_accepted[i]) continue;
      searches[i].loss = loss[i];
      searches[i].retries = 0;
      searches[i].length = has_history[i] ? at.learning_rate[i] : first_length(at.learning_rate[i], size[i]);
    }
    make_finite(is_accepted, at.planes, searches);
  }
  for (std::size_t i = 0; i < kLanes; ++i)
    if (lanes[i] && at.is_last) searches[i].length = 0;
  go_to_trials(lanes, at.weights, at.planes, searches);
}

template <class T>
typename LaneLineSearch<T>::Lanes LaneLineSearch<T>::shorten(const Lanes& lanes, T* weights, Planes& planes,
                                                             Searches& searches) const {
  Lanes shortened = are_at_trial(weights, planes, searches);
  for (std::size_t i = 0; i < kLanes; ++i) {
    shortened[i] = shortened[i] && lanes[i] && std::isfinite(searches[i].loss) && searches[i].length != 0;
    if (shortened[i]) searches[i].length *= kLeastFactor;
  }
  go_to_trials(shortened, weights, planes, searches);
  return shortened;
}

#define INSTANTIATE(T) template class LaneLineSearch<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
