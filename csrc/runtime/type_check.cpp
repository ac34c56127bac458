// Refuses operands whose types a kernel does not have: it would read and write past their ends.
#include <string>

#include "dlnative/kernel.h"

namespace dlnative {
namespace {

std::string type_names(const View* views, std::int32_t count) {
  std::string text = "(";
  for (std::int32_t i = 0; i < count; ++i) {
    text += std::string(i > 0 ? ", " : "") + dtype_names[static_cast<int>(views[i].dtype)];
  }
  return text + ")";
}

}  // namespace

void check_types(const OpRow& row, const Call& call) {
  if (call.input_count > 0 && call.output_count > 0 && row.takes(call)) return;  // every kernel reads and writes
  throw TypeMismatch("op " + std::string(row.name) + " has no kernel for " + type_names(call.inputs, call.input_count) +
                     " -> " + type_names(call.outputs, call.output_count) + " on cpu");
}

}  // namespace dlnative
