// The frame of a check's main: what goes wrong becomes a line, not an abort.
#pragma once

#include <cstdio>
#include <exception>

namespace dlnative::cuda::check {

template <class Body>
int run_program(const Body& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}

}  // namespace dlnative::cuda::check
