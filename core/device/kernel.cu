// The kernel of a shape and a loss: one warp for each network. CRECHE_SHAPE has the widths of the inputs and of all
// layers, CRECHE_LOSS the loss.
#include "device/train.hpp"

using namespace creche::CRECHE_LEVEL;
using Shape = device::StaticShape<CRECHE_SHAPE>;

extern "C" __global__ void __launch_bounds__(128, 4) train(const device::Launch launch, long long bytes_of_warp) {
  extern __shared__ float4 memory[];
  const int warp = threadIdx.x / device::kWarp;
  const long long member = blockIdx.x * static_cast<long long>(blockDim.x / device::kWarp) + warp;
  if (member >= launch.count) return;
  device::train_member<Shape, CRECHE_LOSS>(device::Lanes{}, Shape{}, launch, member,
                                           reinterpret_cast<char*>(memory) + warp * bytes_of_warp);
}
