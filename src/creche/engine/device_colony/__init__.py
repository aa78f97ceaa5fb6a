"""Many small networks on a GPU, one to a warp, with the bytes of the native engine (core/device).

`colony.DeviceColony` has the methods of the engine's `Colony32`, so that what trains a colony need not know where its
members are. `groups.group_members` says which jobs can go there, and why others cannot. `cuda.CudaDevice` is a GPU;
`device.Device` says what it must be able to do.
"""
