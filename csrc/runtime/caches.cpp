#include "runtime/caches.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define DLNATIVE_HAS_CPUID 1
#endif
#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace dlnative {
namespace {

constexpr std::int64_t min_way_bytes = 64;  // a line

Cache* level_of(Caches& caches, std::int64_t level) {
  return level == 1 ? &caches.L1 : level == 2 ? &caches.L2 : level == 3 ? &caches.L3 : nullptr;
}

// A number with K, M or G behind it; less than nothing when there is none. `text` moves behind it.
std::int64_t read_bytes(const char*& text) {
  if (*text < '0' || *text > '9') return -1;
  char* end = nullptr;
  const long long number = std::strtoll(text, &end, 10);
  const int shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
  text = end + (shift > 0);
  return number > 0 && number <= (1LL << 40 >> shift) ? static_cast<std::int64_t>(number) << shift : -1;
}

#if defined(__linux__)
std::string read_line(const std::string& path) {
  char line[256] = "";
  if (std::FILE* const file = std::fopen(path.c_str(), "r")) {
    if (std::fgets(line, sizeof line, file) == nullptr) line[0] = '\0';
    std::fclose(file);
  }
  line[std::strcspn(line, "\n")] = '\0';
  return line;
}

// How many CPUs a list such as "0-3,8" names.
std::int64_t count_listed(const std::string& list) {
  std::int64_t count = 0;
  for (const char* at = list.c_str(); *at != '\0';) {
    char* end = nullptr;
    const long first = std::strtol(at, &end, 10);
    long last = first;
    if (*end == '-') last = std::strtol(end + 1, &end, 10);
    count += last - first + 1;
    at = *end == ',' ? end + 1 : end;
    if (*end != ',' && *end != '\0') break;
  }
  return count > 0 ? count : 1;
}

bool from_sysfs(Caches& caches) {
  bool found = false;
  for (int index = 0; index < 8; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    const std::string level = read_line(folder + "level");
    if (level.empty()) break;
    if (read_line(folder + "type") == "Instruction") continue;
    const std::string size = read_line(folder + "size");
    const char* text = size.c_str();
    const std::int64_t bytes = read_bytes(text);
    Cache* const cache = level_of(caches, std::atol(level.c_str()));
    if (cache == nullptr || bytes <= 0) continue;
    *cache = {bytes, std::atol(read_line(folder + "ways_of_associativity").c_str()),
              count_listed(read_line(folder + "shared_cpu_list"))};
    found = true;
  }
  return found;
}
#endif

#if defined(DLNATIVE_HAS_CPUID)
// Intel: leaf 4. AMD: leaf 0x8000001D, which has the same form, if 0x80000001 says so.
bool from_cpuid(Caches& caches) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool extended = __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (c >> 22 & 1) != 0;
  const unsigned leaf = extended ? 0x8000001D : 4;
  bool found = false;
  for (unsigned index = 0; index < 8; ++index) {
    if (__get_cpuid_count(leaf, index, &a, &b, &c, &d) == 0) break;
    const unsigned type = a & 31;  // 1: data, 2: instructions, 3: both
    if (type == 0) break;
    Cache* const cache = level_of(caches, a >> 5 & 7);
    if (type == 2 || cache == nullptr) continue;
    const std::int64_t ways = (b >> 22) + 1, partitions = (b >> 12 & 1023) + 1, line = (b & 4095) + 1;
    *cache = {ways * partitions * line * (std::int64_t{c} + 1), ways, (a >> 14 & 4095) + 1};
    found = true;
  }
  return found;
}

bool has_near_L3() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0, &a, &b, &c, &d) == 0) return false;
  const bool amd = b == 0x68747541 && d == 0x69746e65 && c == 0x444d4163;    // AuthenticAMD
  const bool hygon = b == 0x6f677948 && d == 0x6e65476e && c == 0x656e6975;  // HygonGenuine, the same design
  if ((!amd && !hygon) || __get_cpuid(1, &a, &b, &c, &d) == 0) return false;
  const unsigned family = (a >> 8 & 15) + ((a >> 8 & 15) == 15 ? a >> 20 & 255 : 0);
  return family >= 0x17;
}
#endif

#if defined(__APPLE__)
std::int64_t sysctl_number(const char* name) {
  std::int64_t value = 0;
  std::size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

bool from_sysctl(Caches& caches) {
  const auto first_of = [](const char* of_fast_cores, const char* of_all) {
    const std::int64_t value = sysctl_number(of_fast_cores);
    return value > 0 ? value : sysctl_number(of_all);
  };
  const std::int64_t L1 = first_of("hw.perflevel0.l1dcachesize", "hw.l1dcachesize");
  const std::int64_t L2 = first_of("hw.perflevel0.l2cachesize", "hw.l2cachesize");
  if (L1 > 0) caches.L1 = {L1, 8, 1};
  if (L2 > 0) caches.L2 = {L2, 0, 1};
  return L1 > 0 || L2 > 0;
}
#endif

struct Found {
  Caches caches;
  std::string error;
};

Found find() {
  Found found;
  found.caches.L1 = {32 << 10, 8, 1};
  const char* const wanted = std::getenv("DLNATIVE_CACHES");
  if (wanted != nullptr && *wanted != '\0') {
    if (!parse_caches(wanted, found.caches)) {
      found.error = std::string("DLNATIVE_CACHES=") + wanted +
                    ": expected bytes and ways of L1, L2 and L3, as in 32K/8,512K/8,32M/16/8,near";
    }
    return found;
  }
  [[maybe_unused]] bool done = false;
#if defined(__linux__)
  done = from_sysfs(found.caches);
#endif
#if defined(DLNATIVE_HAS_CPUID)
  if (!done) done = from_cpuid(found.caches);
  found.caches.near_L3 = has_near_L3();
#endif
#if defined(__APPLE__)
  if (!done) done = from_sysctl(found.caches);
#endif
  if (found.caches.L1.ways <= 0 || found.caches.L1.way_bytes() < min_way_bytes) found.caches.L1.ways = 8;
  return found;
}

const Found& found() {
  static const auto* const instance = new Found(find());
  return *instance;
}

}  // namespace

bool parse_caches(const char* text, Caches& caches) {
  Caches parsed;
  for (const std::int64_t level : {1, 2, 3}) {
    Cache& cache = *level_of(parsed, level);
    if (level > 1 && *text == '\0') break;
    if (level > 1 && *text++ != ',') return false;
    cache.bytes = read_bytes(text);
    if (cache.bytes <= 0 || *text++ != '/') return false;
    cache.ways = read_bytes(text);
    if (cache.ways <= 0 || cache.bytes % cache.ways != 0 || cache.way_bytes() < min_way_bytes) return false;
    if (level < 3 || *text != '/') continue;
    cache.sharers = read_bytes(++text);
    if (cache.sharers <= 0) return false;
  }
  parsed.near_L3 = std::strcmp(text, ",near") == 0;
  if (!parsed.near_L3 && *text != '\0') return false;
  caches = parsed;
  return true;
}

const Caches& caches() { return found().caches; }
const char* caches_error() { return found().error.empty() ? nullptr : found().error.c_str(); }

}  // namespace dlnative
