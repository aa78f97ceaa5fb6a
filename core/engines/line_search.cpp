#include "engines/line_search.hpp"

#include <algorithm>
#include <cmath>

#include "engines/line_search_rules.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
LineSearch<T>::LineSearch(const Plan& plan, const NetworkShape& shape, const ParameterGroups& groups, Threads& threads)
    : optimizer_(plan.optimizer),
      history_(plan.optimizer.history),
      threads_(threads),
      ranges_(static_cast<std::size_t>(threads.count())) {
  std::int64_t panels = 0, dealt = 0;
  for (std::size_t b = 0; b < shape.blocks.size(); ++b) {
    const ParameterBlock& block = shape.blocks[b];
    for (std::int64_t panel = 0; panel < block.panels(); ++panel, ++panels) {
      const std::int64_t thread = std::min(dealt * threads.count() / std::max<std::int64_t>(shape.weights_size, 1),
                                           static_cast<std::int64_t>(threads.count()) - 1);
      const std::int64_t first = block.at + panel * block.rows * kPanel;
      for (std::size_t p = 0; p < block.parts.size(); ++p)
        ranges_[static_cast<std::size_t>(thread)].push_back(
            {first + block.parts[p].row * kPanel, first + block.parts[p].end() * kPanel, groups.of(b, p), panels});
      dealt += block.rows * kPanel;
    }
  }
  for (AlignedArray<double>& sums : sums_) sums = AlignedArray<double>(panels * kPanel);
}

// The sum over all weights i: term(i, sum, group) is the sum of the column of i after that weight is added.
template <class T>
template <class F>
double LineSearch<T>::sum(Worker& worker, F&& term) {
  AlignedArray<double>& sums = sums_[worker.turn];
  worker.turn = 1 - worker.turn;
  std::int64_t panel = -1;
  for (const Range& range : ranges_[static_cast<std::size_t>(worker.thread)]) {
    double columns[kPanel] = {};  // which stay in registers
    double* const kept = sums.data() + range.panel * kPanel;
    if (range.panel == panel) std::copy_n(kept, kPanel, columns);
    panel = range.panel;
    for (std::int64_t row = range.begin; row < range.end; row += kPanel)
      for (int c = 0; c < kPanel; ++c) columns[c] = term(row + c, columns[c], range.group);
    std::copy_n(columns, kPanel, kept);
  }
  threads_.barrier();
  double total = 0;
  for (std::int64_t i = 0; i < sums.size(); ++i) total += sums[i];
  return total;
}

template <class T>
template <class F>
void LineSearch<T>::each_weight(const Worker& worker, F&& f) {
  for (const Range& range : ranges_[static_cast<std::size_t>(worker.thread)])
    for (std::int64_t i = range.begin; i < range.end; ++i) f(i, range.group);
}

namespace {

// Adds the product of two numbers to a sum.
template <class T>
auto product_of(const T* a, const T* b) {
  return [=](std::int64_t i, double sum, std::size_t) {
    return std::fma(static_cast<double>(a[i]), static_cast<double>(b[i]), sum);
  };
}

}  // namespace

template <class T>
bool LineSearch<T>::is_at_trial(Worker& worker, double length) {
  const T* const w = worker.weights;
  const T* const x = worker.plane(Lbfgs::kPoint);
  const T* const d = worker.plane(Lbfgs::kDirection);
  const T t = static_cast<T>(length);
  return sum(worker, [&](std::int64_t i, double others, std::size_t) {
           return others + (w[i] == std::fma(t, d[i], x[i]) ? 0 : 1);
         }) == 0;
}

// Adds the gradient of the penalty to the gradients, and returns the penalty.
template <class T>
double LineSearch<T>::add_weight_decay(Worker& worker, const Evaluated& at) {
  const T* const w = worker.weights;
  T* const g = at.gradients;
  const auto decay = [&](std::size_t group) { return at.regularization[group].weight_decay; };
  each_weight(worker, [&](std::int64_t i, std::size_t group) { g[i] = std::fma(decay(group), w[i], g[i]); });
  return 0.5 * sum(worker, [&](std::int64_t i, double penalty, std::size_t group) {
           return std::fma(static_cast<double>(decay(group)) * static_cast<double>(w[i]), static_cast<double>(w[i]),
                           penalty);
         });
}

template <class T>
void LineSearch<T>::keep_pair(Worker& worker, const T* g, Lbfgs::Search& search) {
  const T* const w = worker.weights;
  const T* const x = worker.plane(Lbfgs::kPoint);
  const T* const g_of_x = worker.plane(Lbfgs::kGradient);
  const auto sum_products = [&](const T* a, const T* from_a, const T* b, const T* from_b) {
    return sum(worker, [=](std::int64_t i, double products, std::size_t) {
      return std::fma(static_cast<double>(a[i] - from_a[i]), static_cast<double>(b[i] - from_b[i]), products);
    });
  };
  const double ss = sum_products(w, x, w, x), sy = sum_products(w, x, g, g_of_x);
  const double yy = sum_products(g, g_of_x, g, g_of_x);
  if (!has_curvature(ss, sy, yy)) return;
  T* const s = worker.plane(slot(search.pairs));
  T* const y = worker.plane(slot(search.pairs) + 1);
  each_weight(worker, [&](std::int64_t i, std::size_t) {
    s[i] = w[i] - x[i];
    y[i] = g[i] - g_of_x[i];
  });
  ++search.pairs;
}

// The two loops, from the gradients to the plane of the direction. Returns whether it has a history.
template <class T>
bool LineSearch<T>::find_direction(Worker& worker, const T* g, Lbfgs::Search& search) {
  T* const d = worker.plane(Lbfgs::kDirection);
  each_weight(worker, [&](std::int64_t i, std::size_t) { d[i] = -g[i]; });
  const auto kept = static_cast<std::int64_t>(std::min(search.pairs, static_cast<double>(history_)));
  std::vector<double> curvatures(static_cast<std::size_t>(kept)), factors(curvatures);
  const auto add = [&](double factor, const T* from) {
    const T by = static_cast<T>(factor);
    each_weight(worker, [&](std::int64_t i, std::size_t) { d[i] = std::fma(by, from[i], d[i]); });
  };
  for (std::size_t k = 0; k < curvatures.size(); ++k) {
    const int at = slot(search.pairs - 1 - static_cast<double>(k));
    const T* const s = worker.plane(at);
    const T* const y = worker.plane(at + 1);
    curvatures[k] = sum(worker, product_of(s, y));
    factors[k] = sum(worker, product_of<T>(s, d)) / curvatures[k];
    add(-factors[k], y);
  }
  if (kept > 0) {
    const T* const y = worker.plane(slot(search.pairs - 1) + 1);
    const T scale = static_cast<T>(curvatures[0] / sum(worker, product_of(y, y)));
    each_weight(worker, [&](std::int64_t i, std::size_t) { d[i] *= scale; });
  }
  for (std::size_t k = curvatures.size(); k-- > 0;) {
    const int at = slot(search.pairs - 1 - static_cast<double>(k));
    const T* const y = worker.plane(at + 1);
    add(factors[k] - sum(worker, product_of<T>(y, d)) / curvatures[k], worker.plane(at));
  }
  if (kept > 0 && leads_down(sum(worker, product_of<T>(g, d)))) return true;
  search.pairs = 0;
  each_weight(worker, [&](std::int64_t i, std::size_t) { d[i] = -g[i]; });
  return false;
}

// The first t at which all weights are finite.
template <class T>
double LineSearch<T>::finite_length(Worker& worker, double length) {
  const T* const x = worker.plane(Lbfgs::kPoint);
  const T* const d = worker.plane(Lbfgs::kDirection);
  const auto is_finite = [&] {
    const T t = static_cast<T>(length);
    return sum(worker, [&](std::int64_t i, double others, std::size_t) {
             return others + (std::isfinite(std::fma(t, d[i], x[i])) ? 0 : 1);
           }) == 0;
  };
  while (length > 0 && !is_finite()) length *= kLeastFactor;
  return length;
}

template <class T>
void LineSearch<T>::go_to_trial(const Worker& worker, double length) {
  const T* const x = worker.plane(Lbfgs::kPoint);
  const T* const d = worker.plane(Lbfgs::kDirection);
  const T t = static_cast<T>(length);
  each_weight(worker, [&](std::int64_t i, std::size_t) { worker.weights[i] = std::fma(t, d[i], x[i]); });
}

template <class T>
Scalars LineSearch<T>::step(int thread, const Evaluated& at, const Scalars& scalars) {
  Worker worker{thread, at.weights, at.planes};
  Lbfgs::Search search(scalars);
  T* const x = worker.plane(Lbfgs::kPoint);
  T* const g_of_x = worker.plane(Lbfgs::kGradient);
  double loss = at.loss;
  if (optimizer_.weight_decay != 0) loss += add_weight_decay(worker, at);
  const double size = sum(worker, [&](std::int64_t i, double others, std::size_t) {
    return others + std::abs(static_cast<double>(at.gradients[i]));
  });

  const bool continues = std::isfinite(search.loss) && is_at_trial(worker, search.length);
  const double slope = continues ? sum(worker, product_of<T>(g_of_x, worker.plane(Lbfgs::kDirection))) : 0;
  const bool is_tried = continues && search.length != 0;
  if (is_tried && !(std::isfinite(loss) && std::isfinite(size))) {
    search.length *= kLeastFactor;
  } else if (is_tried && !descends_enough(search, slope, loss)) {
    creche::CRECHE_LEVEL::shorten(search, shorter_length(search, slope, loss));
  } else {
    if (!continues) search.pairs = 0;
    if (is_tried) keep_pair(worker, at.gradients, search);
    each_weight(worker, [&](std::int64_t i, std::size_t) {
      x[i] = at.weights[i];
      g_of_x[i] = at.gradients[i];
    });
    search.loss = loss;
    search.retries = 0;
    const bool has_history = find_direction(worker, at.gradients, search);
    search.length = finite_length(worker, has_history ? at.learning_rate : first_length(at.learning_rate, size));
  }
  if (at.is_last) search.length = 0;
  go_to_trial(worker, search.length);
  return search.scalars();
}

template <class T>
std::optional<Scalars> LineSearch<T>::shorten(int thread, T* weights, std::vector<AlignedArray<T>>& planes,
                                              const Scalars& scalars) {
  Worker worker{thread, weights, planes};
  Lbfgs::Search search(scalars);
  if (!std::isfinite(search.loss) || search.length == 0 || !is_at_trial(worker, search.length)) return {};
  search.length *= kLeastFactor;
  go_to_trial(worker, search.length);
  return search.scalars();
}

#define INSTANTIATE(T) template class LineSearch<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
