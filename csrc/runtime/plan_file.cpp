// Reads plans from files. Whatever a file says is compared with its size before memory is taken for it.
#include "runtime/plan_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <unordered_map>

#include "dlnative/isa.h"

namespace dlnative {
namespace {

constexpr char magic[8] = {'d', 'l', 'p', 'l', 'a', 'n', '\r', '\n'};
constexpr std::uint32_t format_version = 1;
constexpr std::size_t header_bytes = 32;
constexpr std::int64_t most_arena_bytes = std::int64_t{1} << 40;

[[noreturn]] void fail(const std::string& message) { throw std::runtime_error(message); }

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "plan files are little endian");

std::vector<std::byte> bytes_of_file(const char* path) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path, "rb"));
  if (file == nullptr) fail(std::string("expected a file, got ") + std::strerror(errno));
  if (std::fseek(file.get(), 0, SEEK_END) != 0) fail("expected a file that can be read");
  const long size = std::ftell(file.get());
  if (size < 0 || std::fseek(file.get(), 0, SEEK_SET) != 0) fail("expected a file that can be read");
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  if (std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) fail("expected a file that can be read");
  return bytes;
}

// FNV-1a (Fowler, Noll, Vo) over 64-bit words, the last one filled up with zeros: each word changes the sum.
std::uint64_t checksum(const std::byte* begin, std::size_t count) {
  std::uint64_t sum = 0xcbf29ce484222325u;
  for (std::size_t i = 0; i < count; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, begin + i, count - i < 8 ? count - i : 8);
    sum = (sum ^ word) * 0x100000001b3u;
    sum ^= sum >> 32;
  }
  return sum;
}

// The fields of a file, one after the other.
class Reader {
 public:
  Reader(const std::byte* begin, const std::byte* end) : next_(begin), end_(end) {}

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)), sizeof(T));
    return value;
  }
  // A number of things that take at least so many bytes each.
  std::size_t count(std::size_t bytes_each) {
    const auto value = number<std::uint64_t>();
    if (value > left() / bytes_each) fail("expected a whole file, got one that names more than it holds");
    return static_cast<std::size_t>(value);
  }
  int small() {
    const auto value = number<std::int32_t>();
    if (value < 0) fail("expected a number of a buffer, a space or an op, got " + std::to_string(value));
    return value;
  }
  std::string text() {
    const std::size_t length = count(1);
    return {reinterpret_cast<const char*>(take(length)), length};
  }
  template <class T, class Read>
  std::vector<T> list(std::size_t bytes_each, const Read& read) {
    std::vector<T> values;
    const std::size_t length = count(bytes_each);
    values.reserve(length);
    for (std::size_t i = 0; i < length; ++i) values.push_back(read());
    return values;
  }
  std::vector<int> smalls() {
    return list<int>(4, [this] { return small(); });
  }
  const std::byte* take(std::size_t bytes) {
    if (bytes > left()) fail("expected a whole file, got one that ends early");
    const std::byte* const found = next_;
    next_ += bytes;
    return found;
  }
  std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }

 private:
  const std::byte* next_;
  const std::byte* end_;
};

DType dtype_from(int code) {
  if (code < 0 || code >= dtype_count) fail("expected an element type, got number " + std::to_string(code));
  return static_cast<DType>(code);
}

// The op codes of this build, for the names that a file has.
std::vector<int> op_codes(const std::vector<std::string>& names) {
  const OpTable ops = isa().ops;
  std::unordered_map<std::string, int> known;
  for (int code = 0; code < ops.count; ++code) known.emplace(ops.rows[code].name, code);
  std::vector<int> codes;
  for (const std::string& name : names) {
    const auto found = known.find(name);
    if (found == known.end()) fail("expected ops that this build has, got \"" + name.substr(0, 60) + "\"");
    codes.push_back(found->second);
  }
  return codes;
}

Buffer read_buffer(Reader& reader) {
  Buffer buffer;
  buffer.space = reader.small();
  buffer.dtype = dtype_from(reader.small());
  buffer.offset = reader.number<std::int64_t>();
  buffer.shape = reader.list<std::int64_t>(8, [&] { return reader.number<std::int64_t>(); });
  buffer.moves = reader.list<Move>(16, [&] {
    const auto bytes = reader.number<std::int64_t>();
    return Move{bytes, reader.number<std::int64_t>()};
  });
  return buffer;
}

Instruction read_instruction(Reader& reader, const std::vector<int>& codes) {
  const auto code_of = [&](std::int64_t number) {
    if (number < 0 || static_cast<std::uint64_t>(number) >= codes.size()) {
      fail("expected the number of an op, got " + std::to_string(number));
    }
    return codes[static_cast<std::size_t>(number)];
  };
  Instruction instruction;
  const int kind = reader.small();
  if (kind > static_cast<int>(RegionKind::branch)) fail("expected a kind of region, got " + std::to_string(kind));
  instruction.region = static_cast<RegionKind>(kind);
  const int op = reader.small();
  instruction.op = instruction.region == RegionKind::none ? code_of(op) : 0;
  instruction.inputs = reader.smalls();
  instruction.outputs = reader.smalls();
  instruction.ints = reader.list<std::int64_t>(8, [&] { return reader.number<std::int64_t>(); });
  for (const int place : reader.smalls()) {  // integers that name ops
    if (static_cast<std::size_t>(place) >= instruction.ints.size()) fail("expected the place of an integer");
    std::int64_t& value = instruction.ints[static_cast<std::size_t>(place)];
    value = code_of(value);
  }
  instruction.floats = reader.list<double>(8, [&] { return reader.number<double>(); });
  if (instruction.region != RegionKind::none) {
    if (instruction.ints.size() < 2 || instruction.ints.size() > 3 || !instruction.outputs.empty() ||
        !instruction.floats.empty()) {
      fail("expected the turns and lengths of a region");
    }
    instruction.turns = instruction.ints[0];
    for (std::size_t i = 1; i < instruction.ints.size(); ++i) {
      if (instruction.ints[i] < 0 || instruction.ints[i] > std::numeric_limits<int>::max()) fail("expected lengths");
      instruction.lengths.push_back(static_cast<std::size_t>(instruction.ints[i]));
    }
    instruction.ints.clear();
  } else if (instruction.inputs.empty() || instruction.outputs.empty()) {
    fail("expected an instruction that reads and writes");
  }
  return instruction;
}

}  // namespace

PlanFile read_plan_file(const char* path) {
  const std::vector<std::byte> bytes = bytes_of_file(path);
  if (bytes.size() < header_bytes || std::memcmp(bytes.data(), magic, sizeof(magic)) != 0) {
    fail("expected a plan that Model.export has written, got something else");
  }
  Reader header(bytes.data() + sizeof(magic), bytes.data() + header_bytes);
  const auto version = header.number<std::uint32_t>();
  const auto reserved = header.number<std::uint32_t>();
  if (version != format_version || reserved != 0) {
    fail("expected version " + std::to_string(format_version) + " of the format, got " + std::to_string(version));
  }
  const auto size = header.number<std::uint64_t>(), sum = header.number<std::uint64_t>();
  if (size != bytes.size()) {
    fail("expected " + std::to_string(size) + " bytes, got " + std::to_string(bytes.size()));
  }
  if (sum != checksum(bytes.data() + header_bytes, bytes.size() - header_bytes)) {
    fail("expected a file as it was written, got one whose checksum differs");
  }

  Reader reader(bytes.data() + header_bytes, bytes.data() + bytes.size());
  PlanFile file;
  PlanDescription& description = file.description;
  file.name = reader.text();
  file.inputs = reader.list<std::string>(8, [&] { return reader.text(); });
  file.outputs = reader.list<std::string>(8, [&] { return reader.text(); });
  description.feeds = reader.smalls();
  description.results = reader.smalls();
  description.feed_count = static_cast<int>(description.feeds.size());
  if (file.inputs.size() != description.feeds.size() || file.outputs.size() != description.results.size()) {
    fail("expected a name for each input and result");
  }
  description.arena_bytes = reader.number<std::int64_t>();
  if (description.arena_bytes < 0 || description.arena_bytes > most_arena_bytes) {
    fail("expected a size of the memory to compute in, got " + std::to_string(description.arena_bytes));
  }
  const std::vector<int> codes = op_codes(reader.list<std::string>(8, [&] { return reader.text(); }));
  description.buffers = reader.list<Buffer>(32, [&] { return read_buffer(reader); });
  description.instructions = reader.list<Instruction>(48, [&] { return read_instruction(reader, codes); });
  const std::size_t weight_bytes = reader.count(1);
  if (weight_bytes != reader.left()) fail("expected nothing behind the weights");
  file.weight_bytes = static_cast<std::int64_t>(weight_bytes);
  file.weights = allocate_aligned(file.weight_bytes);
  if (weight_bytes > 0) std::memcpy(file.weights.get(), reader.take(weight_bytes), weight_bytes);
  description.externals = {{file.weights.get(), file.weight_bytes}};
  return file;
}

}  // namespace dlnative
