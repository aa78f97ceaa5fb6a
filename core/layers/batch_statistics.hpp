// Batch normalization in a layer of a single network (layers/batch_normalization.hpp): the statistics of a batch, and
// ranges of its rows forward and backward by them, or by the running ones.
#pragma once

#include <cstdint>

#include "layers/layer.hpp"

namespace creche::CRECHE_LEVEL {

// The statistics of a panel of neurons over the first `count` rows: of z, and, before the second half of
// outputs_backward, of the gradients.
template <class T>
void take_statistics(const LayerRows<T>& rows, std::int64_t count, std::int64_t panel);
template <class T>
void take_gradient_statistics(const LayerRows<T>& rows, std::int64_t count, std::int64_t panel);

// Moves the running statistics of a layer towards those of a batch of `count` rows.
template <class T>
void move_running_statistics(const Network<T>& network, const LayerShape& layer, const LayerRows<T>& rows,
                             std::int64_t count);

// The outputs, which hold z, become p.
template <class T>
void normalize_by_batch(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                        std::int64_t row_begin, std::int64_t row_end);

// From dL/dp to dL/dz, in place.
template <class T>
void normalize_by_batch_backward(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                                 std::int64_t row_begin, std::int64_t row_end);

}  // namespace creche::CRECHE_LEVEL
