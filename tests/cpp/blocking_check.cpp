// The blocks of B that follow from a machine's caches (docs/gemm.md), for machines that are not here, and the text form
// of DLNATIVE_CACHES.
#include "gemm/blocking.h"

#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("%s\n", what);
  ++failures;
}

struct Machine {
  const char* name;
  const char* caches;
  std::int64_t L2_block_bytes;  // of the instruction set
  std::int64_t packed_b, b_in_place, way_bytes, ways;
};

constexpr std::int64_t avx512 = 800 << 10, avx2 = 480 << 10;

const Machine machines[] = {
    {"Zen 3", "32K/8,512K/8,32M/16/8,near", avx2, 4 << 20, 384 << 10, 4096, 8},
    {"Zen 3, a guest of two CPUs", "32K/8,512K/8,32M/16/2,near", avx2, 4 << 20, 384 << 10, 4096, 8},
    {"Zen 3 with 16 MB", "32K/8,512K/8,16M/16/8,near", avx2, 2 << 20, 384 << 10, 4096, 8},
    {"Zen 3 with 96 MB", "32K/8,512K/8,96M/16/16,near", avx2, 4 << 20, 384 << 10, 4096, 8},
    {"Zen 5", "48K/12,1M/16,32M/16/8,near", avx512, 768 << 10, 768 << 10, 4096, 12},
    {"Xeon of 48 KB and 2 MB", "48K/12,2M/16,480M/20/120", avx512, 800 << 10, 800 << 10, 4096, 12},
    {"the same, AVX2", "48K/12,2M/16,480M/20/120", avx2, 480 << 10, 480 << 10, 4096, 12},
    {"Xeon of 32 KB and 1 MB", "32K/8,1M/16,33M/11/24", avx512, 768 << 10, 768 << 10, 4096, 8},
    {"L1 alone is known", "32K/8", avx2, 480 << 10, 480 << 10, 4096, 8},
};

}  // namespace

int main() {
  for (const Machine& machine : machines) {
    dlnative::Caches caches;
    expect(dlnative::parse_caches(machine.caches, caches), machine.caches);
    const dlnative::Blocking found = dlnative::blocking_for(caches, machine.L2_block_bytes);
    if (found.packed_b_bytes != machine.packed_b || found.b_in_place_bytes != machine.b_in_place ||
        found.L1_way_bytes != machine.way_bytes || found.L1_ways != machine.ways) {
      std::printf("%s: packed %ld, in place %ld, ways of %ld bytes %ld\n", machine.name, long(found.packed_b_bytes),
                  long(found.b_in_place_bytes), long(found.L1_way_bytes), long(found.L1_ways));
      ++failures;
    }
  }
  for (const char* wrong : {"", "32K", "32K/", "32K/0", "32K/7", "-1/8", "32X/8", "32K/8,", "32K/8,512K",
                            "32K/8 512K/8", "32K/8,512K/8,32M/16/0", "32K/8,512K/8,32M/16/8,far",
                            "32K/8,512K/8,32M/16/8,near,", "1/1", "32K/1K", "99999999999999999999/8"}) {
    dlnative::Caches caches;
    caches.L1 = {4096, 1, 1};
    expect(!dlnative::parse_caches(wrong, caches) && caches.L1.bytes == 4096, wrong);
  }
  const dlnative::Caches& here = dlnative::caches();
  expect(here.L1.bytes >= 4096 && here.L1.ways > 0 && here.L1.bytes % here.L1.ways == 0, "the caches of this machine");
  expect(dlnative::caches_error() == nullptr, "DLNATIVE_CACHES is wrong");
  std::printf("%d failed\n", failures);
  return failures == 0 ? 0 : 1;
}
