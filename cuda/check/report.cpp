#include "check/report.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "runtime/queue.h"

namespace dlnative::cuda::check {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result + "\"";
}
std::string number(double value) {
  if (!std::isfinite(value)) return "null";
  std::ostringstream text;
  text.precision(6);
  text << value;
  return text.str();
}
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

void Report::add(const std::string& part, const std::string& name,
                 const std::vector<std::pair<std::string, double>>& values) {
  lines_.push_back({part, name, values});
  std::printf("%-12s %-46s", part.c_str(), name.c_str());
  for (const auto& [unit, value] : values) std::printf("  %s %s", number(value).c_str(), unit.c_str());
  std::printf("\n");
  std::fflush(stdout);
}

void Report::write() const {
  std::ofstream out(file_);
  const Device& d = device();
  out << "{\n \"device\": " << quoted(d.name) << ",\n \"multiprocessors\": " << d.multiprocessors
      << ",\n \"driver\": " << d.driver << ",\n \"commit\": " << quoted(variable("DLNATIVE_COMMIT"))
      << ",\n \"results\": [";
  const char* between = "\n";
  for (const Line& line : lines_) {
    out << between << "  {\"part\": " << quoted(line.part) << ", \"name\": " << quoted(line.name);
    for (const auto& [unit, value] : line.values) out << ", " << quoted(unit) << ": " << number(value);
    out << "}";
    between = ",\n";
  }
  out << "\n ]\n}\n";
}

}  // namespace dlnative::cuda::check
