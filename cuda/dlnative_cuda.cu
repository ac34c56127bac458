// The library of CUDA kernels. It exports the version of its interface, by which the Python side tells whether the
// library it found is the one it was written for.

extern "C" __attribute__((visibility("default"))) int dlnative_cuda_interface() { return 0; }
