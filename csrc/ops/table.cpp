// The op table of one instruction set: the families in the order in which op codes count through them.
#include "dlnative/isa.h"
#include "gemm/gemm.h"
#include "ops/convert.h"

namespace dlnative::DLNATIVE_ISA {

#define DLNATIVE_FAMILY(name)       \
  extern const OpRow name##_rows[]; \
  extern const int name##_row_count;
DLNATIVE_FAMILY(elementwise)
DLNATIVE_FAMILY(reduction)
DLNATIVE_FAMILY(chain)
DLNATIVE_FAMILY(linalg)
DLNATIVE_FAMILY(convolution)
DLNATIVE_FAMILY(depthwise)
DLNATIVE_FAMILY(pooling)
DLNATIVE_FAMILY(attention)
DLNATIVE_FAMILY(shape)
DLNATIVE_FAMILY(arithmetic)
DLNATIVE_FAMILY(indexing)
DLNATIVE_FAMILY(softmax)
DLNATIVE_FAMILY(normalization)
DLNATIVE_FAMILY(simple_rnn)
DLNATIVE_FAMILY(lstm)
DLNATIVE_FAMILY(gru)
DLNATIVE_FAMILY(random)
DLNATIVE_FAMILY(loss)
DLNATIVE_FAMILY(optimizer)
#undef DLNATIVE_FAMILY

namespace {

constexpr OpFamily families[] = {
    {elementwise_rows, &elementwise_row_count},  // these two first: ops/chain.cpp finds its steps by op code
    {reduction_rows, &reduction_row_count},
    {chain_rows, &chain_row_count},
    {linalg_rows, &linalg_row_count},
    {convolution_rows, &convolution_row_count},
    {depthwise_rows, &depthwise_row_count},
    {pooling_rows, &pooling_row_count},
    {attention_rows, &attention_row_count},
    {shape_rows, &shape_row_count},
    {arithmetic_rows, &arithmetic_row_count},
    {indexing_rows, &indexing_row_count},
    {softmax_rows, &softmax_row_count},
    {normalization_rows, &normalization_row_count},
    {simple_rnn_rows, &simple_rnn_row_count},
    {lstm_rows, &lstm_row_count},
    {gru_rows, &gru_row_count},
    {random_rows, &random_row_count},
    {loss_rows, &loss_row_count},
    {optimizer_rows, &optimizer_row_count},
};

}  // namespace

#define DLNATIVE_TEXT_OF(name) #name
#define DLNATIVE_TEXT(name) DLNATIVE_TEXT_OF(name)

extern const IsaKernels kernels;
constexpr IsaKernels kernels = {
    DLNATIVE_TEXT(DLNATIVE_ISA),
    families,
    sizeof(families) / sizeof(families[0]),
    {gemm_scratch_bytes, gemm_packed_bytes, gemm_pack, gemm},
    {gemm_scratch_bytes, gemm_packed_bytes, gemm_pack, gemm},
    {batch_reduce_scratch_bytes, batch_reduce_packed_bytes, batch_reduce_pack, batch_reduce},
    {batch_reduce_scratch_bytes, batch_reduce_packed_bytes, batch_reduce_pack, batch_reduce},
    convert_loop,
    convert,
    measure_fma,
    measure_read,
};

}  // namespace dlnative::DLNATIVE_ISA
