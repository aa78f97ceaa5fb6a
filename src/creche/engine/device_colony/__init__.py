"""Many small networks on a GPU, one to a warp, with the bytes of the native engine (core/device).

`groups.reason_against` says why a network cannot go there. `groups.new_colonies` creates colonies of those that can:
one for each shape and loss. A `colony.DeviceColony` has the methods of the engine's `Colony32`, so that what trains a
colony need not know where its members are. `cuda.CudaDevice` is a GPU; `device.Device` says what it must be able to do.
"""
