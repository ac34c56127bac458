// cuBLAS, as much of it as a benchmark of products needs: loaded when it runs, if DLNATIVE_CUBLAS names the library.
#pragma once

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "dlnative/gemm.h"
#include "runtime/queue.h"

namespace dlnative::cuda::check {

struct Cublas {
  using Sgemm = int (*)(void*, int, int, int, int, int, const float*, const float*, int, const float*, int,
                        const float*, float*, int);
  using Dgemm = int (*)(void*, int, int, int, int, int, const double*, const double*, int, const double*, int,
                        const double*, double*, int);
  void* handle = nullptr;
  Sgemm sgemm = nullptr;
  Dgemm dgemm = nullptr;

  explicit Cublas(Queue& queue) {
    const char* path = std::getenv("DLNATIVE_CUBLAS");
    void* library = path == nullptr ? nullptr : dlopen(path, RTLD_NOW);
    if (library == nullptr) {
      std::printf("without cuBLAS: %s\n", path == nullptr ? "DLNATIVE_CUBLAS is not set" : dlerror());
      return;
    }
    const auto find = [&](const char* name) { return dlsym(library, name); };
    const auto create = reinterpret_cast<int (*)(void**)>(find("cublasCreate_v2"));
    const auto set_stream = reinterpret_cast<int (*)(void*, void*)>(find("cublasSetStream_v2"));
    const auto set_mode = reinterpret_cast<int (*)(void*, int)>(find("cublasSetMathMode"));
    constexpr int pedantic = 2;  // the precision that was asked for, in every step: no tensor cores for float32
    if (create(&handle) != 0 || set_stream(handle, queue.stream()) != 0 || set_mode(handle, pedantic) != 0) {
      std::printf("without cuBLAS: it cannot be set up\n");
      handle = nullptr;
      return;
    }
    sgemm = reinterpret_cast<Sgemm>(find("cublasSgemm_v2"));
    dgemm = reinterpret_cast<Dgemm>(find("cublasDgemm_v2"));
  }
  // Row-major C = op(A) op(B): column-major C^T = op(B)^T op(A)^T.
  template <class T>
  void multiply(const GemmArguments<T>& g) const {
    const T one = 1, zero = 0;
    const auto n = static_cast<int>(g.N), m = static_cast<int>(g.M), k = static_cast<int>(g.K);
    const auto lda = static_cast<int>(g.lda), ldb = static_cast<int>(g.ldb), ldc = static_cast<int>(g.ldc);
    int status;
    if constexpr (sizeof(T) == 4) {
      status = sgemm(handle, g.transpose_b, g.transpose_a, n, m, k, &one, g.b, ldb, g.a, lda, &zero, g.c, ldc);
    } else {
      status = dgemm(handle, g.transpose_b, g.transpose_a, n, m, k, &one, g.b, ldb, g.a, lda, &zero, g.c, ldc);
    }
    if (status != 0) throw Error("cuBLAS: status " + std::to_string(status));
  }
};

}  // namespace dlnative::cuda::check
