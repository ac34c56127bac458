#include <cstring>

#include "runtime/row.h"

namespace dlnative::cuda {

#define DLNATIVE_CUDA_FAMILIES(family)                                                                                 \
  family(unary) family(binary) family(arithmetic) family(chain) family(indexing) family(activation) family(comparison) \
      family(movement) family(reduction) family(softmax) family(loss) family(random) family(optimizer) family(linalg)  \
          family(convolution) family(depthwise) family(pooling) family(normalization) family(attention)                \
              family(recurrent) family(gru)

struct Family {
  const Row* rows;
  const int* count;
};

#define DLNATIVE_DECLARE(name)    \
  extern const Row name##_rows[]; \
  extern const int name##_row_count;
DLNATIVE_CUDA_FAMILIES(DLNATIVE_DECLARE)
#undef DLNATIVE_DECLARE

namespace {
#define DLNATIVE_FAMILY(name) {name##_rows, &name##_row_count},
constexpr Family families[] = {DLNATIVE_CUDA_FAMILIES(DLNATIVE_FAMILY)};
#undef DLNATIVE_FAMILY
}  // namespace

const Row* row_at(int index) {
  for (const Family& family : families) {
    if (index < *family.count) return family.rows + index;
    index -= *family.count;
  }
  return nullptr;
}

const Row* find_row(const char* name) {
  for (int index = 0; const Row* row = row_at(index); ++index) {
    if (std::strcmp(row->name, name) == 0) return row;
  }
  return nullptr;
}

}  // namespace dlnative::cuda
