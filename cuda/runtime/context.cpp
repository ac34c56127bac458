#include "runtime/context.h"

namespace dlnative::cuda {

// It outlives whatever Python leaves behind when it ends.
Context& context() {
  static Context& made = [&]() -> Context& {
    auto* context = new Context;
    context->queue.dependent = true;
    return *context;
  }();
  return made;
}

}  // namespace dlnative::cuda
