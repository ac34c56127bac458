#include "runtime/first_cache.h"

#include <unistd.h>

namespace dlnative {
namespace {

FirstCache find() {
#if defined(_SC_LEVEL1_DCACHE_SIZE) && defined(_SC_LEVEL1_DCACHE_ASSOC)
  const long bytes = sysconf(_SC_LEVEL1_DCACHE_SIZE), ways = sysconf(_SC_LEVEL1_DCACHE_ASSOC);
  if (bytes > 0 && ways > 0 && bytes % ways == 0) {
    return {static_cast<std::uint64_t>(bytes / ways), static_cast<std::uint64_t>(ways)};
  }
#endif
  return {4096, 8};
}

}  // namespace

const FirstCache first_cache = find();

}  // namespace dlnative
