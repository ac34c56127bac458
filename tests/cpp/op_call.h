// Calls an op of the table by name, on plain vectors.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "dlnative/isa.h"

namespace dlnative_check {

inline const dlnative::OpRow& find_op(const std::string& name) {
  const dlnative::OpTable& ops = dlnative::isa().ops;
  for (int i = 0; i < ops.count; ++i) {
    if (name == ops.rows[i].name) return ops.rows[i];
  }
  std::printf("no kernel named %s\n", name.c_str());
  std::exit(1);
}

inline dlnative::View make_view(void* data, dlnative::DType dtype, const std::vector<std::int64_t>& shape) {
  dlnative::View view;
  view.data = data;
  view.dtype = dtype;
  view.rank = static_cast<std::int32_t>(shape.size());
  view.size = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    view.shape[i] = shape[i];
    view.size *= shape[i];
  }
  return view;
}

inline void run_op(const dlnative::OpRow& op, const std::vector<dlnative::View>& inputs, const dlnative::View& output,
                   const dlnative::Workers& workers, std::initializer_list<std::int64_t> ints = {}) {
  dlnative::Call call;
  call.inputs = inputs.data();
  call.input_count = static_cast<std::int32_t>(inputs.size());
  call.outputs = &output;
  call.output_count = 1;
  call.ints = ints.begin();
  call.workers = &workers;
  op.run(call);
}

}  // namespace dlnative_check
