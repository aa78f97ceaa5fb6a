// A custom loss: a function that receives the outputs of several rows at once and returns their losses and gradients.
// The kind of loss in the plan then determines only the head and the metric.
#pragma once

#include <cstdint>
#include <functional>

#include "aligned.hpp"
#include "losses/loss_pass.hpp"

namespace creche::CRECHE_LEVEL {

// All arrays row by row, without padding.
template <class T>
struct CustomLossRows {
  std::int64_t count = 0;
  std::int64_t outputs = 0;
  const T* z = nullptr;                   // (count, outputs), the weighted sums
  const std::int32_t* classes = nullptr;  // (count,), or null
  const T* targets = nullptr;             // (count, outputs), where classes is null
  T* loss = nullptr;                      // (count,), output
  T* gradient = nullptr;                  // (count, outputs), output: the gradient of each row's loss
};

// Returns false if it failed; the provider of the function keeps the reason.
template <class T>
using CustomLoss = std::function<bool(const CustomLossRows<T>&)>;

// The arrays in which the function receives and returns its numbers, for at most `capacity` rows; empty without a
// function.
template <class T>
class CustomLossPass {
 public:
  CustomLossPass() = default;
  // kind determines the kind of labels.
  CustomLossPass(const CustomLoss<T>* function, LossKind kind, std::int64_t capacity, std::int64_t outputs)
      : has_class_labels_(has_class_labels(kind)),
        function_(function != nullptr && *function ? function : nullptr),
        z_(size(capacity * outputs)),
        targets_(size(capacity * outputs)),
        gradient_(size(capacity * outputs)),
        loss_(size(capacity)),
        classes_(size(capacity)) {}

  bool is_set() const { return function_ != nullptr; }

  // Computes the losses of rows 0 ... count - 1 and, unless the data of dloss_dz is null, their gradients as loss_pass
  // does.
  bool operator()(PanelMatrix<T> z, const Labels<T>& labels, std::int64_t count, PanelMatrix<T> dloss_dz,
                  T* loss) const {
    const std::int64_t outputs = z.columns;
    for (std::int64_t r = 0; r < count; ++r) {
      for (std::int64_t c = 0; c < outputs; ++c) z_[r * outputs + c] = z.element(r, c);
      if (has_class_labels_) {
        classes_[r] = static_cast<std::int32_t>(labels.classes[r]);
      } else {
        for (std::int64_t c = 0; c < outputs; ++c) targets_[r * outputs + c] = labels.targets.element(r, c);
      }
    }
    const std::int32_t* const classes = has_class_labels_ ? classes_.data() : nullptr;
    const T* const targets = has_class_labels_ ? nullptr : targets_.data();
    if (!(*function_)({count, outputs, z_.data(), classes, targets, loss_.data(), gradient_.data()})) return false;
    for (std::int64_t r = 0; r < count; ++r) {
      loss[r] = loss_[r];
      if (dloss_dz.data == nullptr) continue;
      for (std::int64_t c = 0; c < dloss_dz.panels() * kPanel; ++c) {
        using V = Vec<T, 1>;
        dloss_dz.element(r, c) =
            c < outputs ? flush_gradient(V(gradient_[r * outputs + c]) * V(labels.scale[r])).raw : T(0);
      }
    }
    return true;
  }

 private:
  std::int64_t size(std::int64_t wanted) const { return function_ != nullptr ? wanted : 0; }

  bool has_class_labels_ = false;
  const CustomLoss<T>* function_ = nullptr;
  AlignedArray<T> z_, targets_, gradient_, loss_;
  AlignedArray<std::int32_t> classes_;
};

}  // namespace creche::CRECHE_LEVEL
