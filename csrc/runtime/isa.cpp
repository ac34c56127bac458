// Finds out what the CPU can run, and joins the kernels of each such instruction set into one op table.
#include "dlnative/isa.h"

#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

#include "runtime/fp_state.h"

namespace dlnative {

#ifdef DLNATIVE_HAS_AVX512
namespace avx512 {
extern const IsaKernels kernels;
}
#endif
#ifdef DLNATIVE_HAS_AVX2
namespace avx2 {
extern const IsaKernels kernels;
}
#endif
#ifdef DLNATIVE_HAS_NEON
namespace neon {
extern const IsaKernels kernels;
}
#endif
#ifdef DLNATIVE_HAS_PORTABLE
namespace portable {
extern const IsaKernels kernels;
}
#endif

namespace {

// __builtin_cpu_supports also asks whether the operating system saves the wide registers.
#ifdef DLNATIVE_HAS_AVX512
bool cpu_has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2");
}
#endif
#ifdef DLNATIVE_HAS_AVX2
bool cpu_has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}
#endif

class Registry {
 public:
  Registry() {
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
#ifdef DLNATIVE_HAS_AVX512
    if (cpu_has_avx512()) add(avx512::kernels);
#endif
#ifdef DLNATIVE_HAS_AVX2
    if (cpu_has_avx2()) add(avx2::kernels);
#endif
#ifdef DLNATIVE_HAS_NEON
    add(neon::kernels);
#endif
#ifdef DLNATIVE_HAS_PORTABLE
    add(portable::kernels);
#endif
    for (const auto& table : tables_) names_.push_back(table.name);
    names_.push_back(nullptr);
    if (tables_.empty()) {
      error_ = "this build has no kernels for this CPU";
      failed_ = true;
      return;
    }
    chosen_ = &tables_.front();

    const char* wanted = std::getenv("DLNATIVE_ISA");
    if (wanted != nullptr && *wanted != '\0' && !select(wanted)) {
      error_ = std::string("DLNATIVE_ISA=") + wanted + ": this build on this CPU can run";
      for (const auto& table : tables_) error_ += std::string(" ") + table.name;
      failed_ = true;
    }
  }

  bool select(const std::string& name) {
    for (const auto& table : tables_) {
      if (name == table.name) {
        chosen_ = &table;
        failed_ = false;
        return true;
      }
    }
    return false;
  }

  const IsaTable& chosen() const { return *chosen_.load(std::memory_order_relaxed); }
  const char* const* names() const { return names_.data(); }
  const char* error() const { return failed_ ? error_.c_str() : nullptr; }

 private:
  void add(const IsaKernels& kernels) {
    auto& rows = rows_.emplace_back();
    for (int i = 0; i < kernels.family_count; ++i) {
      const OpFamily& family = kernels.families[i];
      rows.insert(rows.end(), family.rows, family.rows + *family.count);
    }
    IsaTable table;
    static_cast<IsaKernels&>(table) = kernels;
    table.ops = {rows.data(), static_cast<int>(rows.size())};
    tables_.push_back(table);
  }

  std::vector<std::vector<OpRow>> rows_;
  std::vector<IsaTable> tables_;
  std::vector<const char*> names_;
  std::atomic<const IsaTable*> chosen_{nullptr};
  std::string error_;
  std::atomic<bool> failed_{false};
};

// Never destroyed: plans may outlive the static objects of a process that ends.
Registry& registry() {
  static auto* const instance = new Registry;
  return *instance;
}

}  // namespace

const IsaTable& isa() { return registry().chosen(); }
const char* isa_error() { return registry().error(); }
const char* const* available_isas() { return registry().names(); }
bool select_isa(const char* name) { return registry().select(name); }

#define DLNATIVE_PRODUCT_OF(name, Arguments, entries)                                                            \
  std::int64_t name##_scratch_bytes(const Arguments& arguments, int threads) {                                   \
    return isa().entries.scratch_bytes(arguments, threads);                                                      \
  }                                                                                                              \
  std::int64_t name##_packed_bytes(const Arguments& arguments) { return isa().entries.packed_bytes(arguments); } \
  void name##_pack(const Arguments& arguments, void* packed_b) { isa().entries.pack(arguments, packed_b); }      \
  void name(const Arguments& arguments, void* scratch, const Workers& workers) {                                 \
    const FlushDenormals flushed;                                                                                \
    isa().entries.run(arguments, scratch, workers);                                                              \
  }
DLNATIVE_PRODUCT_OF(gemm, GemmArguments<float>, gemm_float)
DLNATIVE_PRODUCT_OF(gemm, GemmArguments<double>, gemm_double)
DLNATIVE_PRODUCT_OF(batch_reduce, BatchReduceArguments<float>, batch_reduce_float)
DLNATIVE_PRODUCT_OF(batch_reduce, BatchReduceArguments<double>, batch_reduce_double)

}  // namespace dlnative
