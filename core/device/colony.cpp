#include "device/colony.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "device/warp.hpp"
#include "engines/initialize.hpp"
#include "network.hpp"

namespace creche::CRECHE_LEVEL::device {

namespace {

// Positions in an order have 16 bits.
constexpr std::int64_t kMostRows = 65536;

ShapeNumbers shape_of(const Plan& plan) {
  int widths[kMostLayers + 1] = {static_cast<int>(plan.inputs)};
  for (std::size_t l = 0; l < plan.layers.size(); ++l) widths[l + 1] = static_cast<int>(plan.layers[l].width);
  return shape_numbers(static_cast<int>(plan.layers.size()), widths);
}

std::string reason_against_layer(const LayerPlan& layer, bool is_output) {
  if (layer.width > kMostWidth) return "has " + std::to_string(layer.width) + " neurons; at most 32 fit";
  if (layer.scales_inputs) return "scales its inputs";
  if (layer.normalization != NormalizationKind::none) return "has a normalization";
  if (layer.parametric) return "has a parametric activation";
  if (layer.residual) return "has a residual connection";
  if (is_output && layer.activation != ActivationKind::identity) return "has an activation behind the outputs";
  if (is_output && layer.dropout > 0) return "drops outputs";
  return {};
}

MemberPlan member_plan(const Member<float>& member) {
  const Plan& plan = member.plan;
  MemberPlan out;
  for (std::size_t l = 0; l < plan.layers.size(); ++l) {
    const LayerPlan& layer = plan.layers[l];
    out.layers[l] = {layer.activation, static_cast<float>(layer.activation_parameter), layer.dropout, layer.weights,
                     layer.biases};
  }
  out.loss.kind = plan.loss.kind;
  out.loss.label_smoothing = plan.loss.label_smoothing;
  out.loss.delta = plan.loss.delta;
  if (plan.loss.kind == LossKind::quantile)
    for (std::int64_t c = 0; c < plan.layers.back().width; ++c)
      out.loss.quantiles[c] = Vec<float, 1>(static_cast<float>(plan.loss.quantile_of(c)));
  out.optimizer = plan.optimizer;
  out.schedule = plan.schedule;
  out.weight_decay_schedule = plan.weight_decay_schedule;
  out.dropout_schedule = plan.dropout_schedule;
  out.label_smoothing_schedule = plan.label_smoothing_schedule;
  out.early_stopping = plan.early_stopping;
  out.batch_size = std::min(plan.batch_size, member.train.count);
  out.epochs = plan.epochs;
  out.seed = plan.seed;
  out.drop_last = plan.drop_last;
  out.shuffle = plan.shuffle;
  out.planes = optimizer_planes(plan.optimizer);
  out.train = member.train;
  out.validation = member.validation;
  return out;
}

}  // namespace

std::string reason_against_warp(const Plan& plan, std::int64_t rows) {
  if (plan.optimizer.kind == OptimizerKind::lbfgs) return "L-BFGS searches lines over all weights together";
  if (plan.rounds_products) return "the products have operands of bfloat16";
  if (plan.submodels > 1) return "the network has submodels";
  if (plan.shards > 1) return "its batches have shards";
  if (plan.windows.block > 0) return "the rows are shuffled within windows";
  if (!plan.embeddings.empty()) return "the network has embeddings";
  if (plan.inputs > kMostWidth) return "the network has " + std::to_string(plan.inputs) + " inputs; at most 32 fit";
  if (plan.layers.size() > static_cast<std::size_t>(kMostLayers))
    return "the network has " + std::to_string(plan.layers.size()) + " layers; at most 16 fit";
  for (std::size_t l = 0; l < plan.layers.size(); ++l) {
    const bool is_output = l + 1 == plan.layers.size();
    const std::string reason = reason_against_layer(plan.layers[l], is_output);
    if (!reason.empty()) return (is_output ? "the output layer " : "layer " + std::to_string(l + 1) + " ") + reason;
  }
  const std::int64_t parameters = NetworkShape(plan).parameters;
  if (parameters > kMostParameters)
    return "the network has " + std::to_string(parameters) + " parameters; at most " + std::to_string(kMostParameters) +
           " fit";
  if (rows > kMostRows)
    return "there are " + std::to_string(rows) + " training rows; at most " + std::to_string(kMostRows) + " fit";
  return {};
}

// Calls f(number of the arena of `Solo`, its place in that of a warp) for all parameters.
template <class F>
void Colony::each_parameter(float* arena, F&& f) const {
  for (int l = 0; l < shape_.layers; ++l) {
    const PanelMatrix<float> block = block_view(arena, network_.block_of(network_.layers[static_cast<std::size_t>(l)]));
    for (std::int64_t row = 0; row < block.rows; ++row)
      for (std::int64_t column = 0; column < block.columns; ++column)
        f(block.element(row, column), shape_.weights_at[l] + row * 4 * fours(shape_.widths[l + 1]) + column);
  }
}

Colony::Colony(std::vector<Member<float>> members) : members_(std::move(members)), network_(members_.front().plan) {
  const Plan& first = members_.front().plan;
  bool stops_early = false;
  for (const Member<float>& member : members_) {
    const std::string reason = reason_against_warp(member.plan, member.train.count);
    if (!reason.empty()) throw std::invalid_argument("members: " + reason);
    const bool fits = member.plan.inputs == first.inputs && member.plan.loss.kind == first.loss.kind &&
                      std::ranges::equal(member.plan.layers, first.layers, {}, &LayerPlan::width, &LayerPlan::width);
    if (!fits) throw std::invalid_argument("members: differ in shape or loss");
    planes_each_ = std::max<std::int64_t>(planes_each_, optimizer_planes(member.plan.optimizer));
    order_rows_ = std::max(order_rows_, member.plan.shuffle ? member.train.count : 0);
    stops_early = stops_early || member.plan.early_stopping.patience > 0;
  }
  shape_ = shape_of(first);
  const auto arena = static_cast<std::size_t>(shape_.arena());
  const std::size_t count = members_.size();
  weights_.resize(count * arena);
  planes_.resize(count * arena * static_cast<std::size_t>(planes_each_));
  if (stops_early) best_.resize(count * arena);
  progress_.resize(count);
  status_.assign(count, Status::running);
  history_.resize(count);
  for (std::size_t m = 0; m < count; ++m) {
    const Member<float>& member = members_[m];
    plans_.push_back(member_plan(member));
    Network<float> network(member.plan);
    initialize(member.plan, member.train, network);
    float* const weights = weights_.data() + m * arena;
    each_parameter(network.weights.data(), [&](float number, std::int64_t place) { weights[place] = number; });
    for (int p = 0; p < plans_.back().planes; ++p)
      std::fill_n(planes_.data() + (m * static_cast<std::size_t>(planes_each_) + static_cast<std::size_t>(p)) * arena,
                  arena, static_cast<float>(optimizer_initial_plane(member.plan.optimizer, p)));
    progress_[m].scalars = initial_scalars(member.plan.optimizer);
    if (member.plan.epochs == 0) status_[m] = Status::finished;
  }
}

std::int64_t Colony::bytes_of_warp(bool keeps_order) const {
  return warp_bytes(RuntimeShape{shape_}, planes_each_, keeps_order ? order_rows_ : 0);
}

MemberState<float> Colony::state(std::int64_t m) const {
  const auto number = static_cast<std::size_t>(m);
  const Plan& plan = members_[number].plan;
  const std::int64_t arena = shape_.arena();
  const auto read = [&](const float* from) {
    AlignedArray<float> out(network_.weights_size);
    each_parameter(out.data(), [&](float& number, std::int64_t place) { number = from[place]; });
    return out;
  };
  MemberState<float> out;
  out.weights = read(weights_.data() + m * arena);
  for (int p = 0; p < plans_[number].planes; ++p)
    out.planes.push_back(read(planes_.data() + (m * planes_each_ + p) * arena));
  if (plan.early_stopping.patience > 0) out.best = read(best_.data() + m * arena);
  out.progress = progress_[number];
  out.history = history_[number];
  out.status = status_[number];
  return out;
}

void Colony::set_state(std::int64_t m, const MemberState<float>& state) {
  const auto number = static_cast<std::size_t>(m);
  const Plan& plan = members_[number].plan;
  const std::int64_t arena = shape_.arena();
  const auto write = [&](const AlignedArray<float>& from, float* to) {
    each_parameter(from.data(), [&](float number, std::int64_t place) { to[place] = number; });
  };
  write(state.weights, weights_.data() + m * arena);
  for (int p = 0; p < plans_[number].planes; ++p)
    write(state.planes[static_cast<std::size_t>(p)], planes_.data() + (m * planes_each_ + p) * arena);
  if (plan.early_stopping.patience > 0) write(state.best, best_.data() + m * arena);
  progress_[number] = state.progress;
  history_[number] = state.history;
  status_[number] = Status::running;
  if (state.progress.early_stopped) {
    status_[number] = Status::early_stopped;
  } else if (state.progress.epoch >= plan.epochs) {
    status_[number] = Status::finished;
  }
}

void Colony::add_records(const EpochRecord* records, std::int64_t epochs, double seconds) {
  for (std::size_t m = 0; m < members_.size(); ++m) {
    const auto done = progress_[m].epoch - static_cast<std::int64_t>(history_[m].size());
    for (std::int64_t e = 0; e < done; ++e) {
      history_[m].push_back(records[static_cast<std::int64_t>(m) * epochs + e]);
      history_[m].back().seconds += seconds;
    }
  }
}

}  // namespace creche::CRECHE_LEVEL::device
