// Results of a benchmark: printed as they come, and written as JSON with the device, the driver and the commit.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace dlnative::cuda::check {

class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}
  void add(const std::string& part, const std::string& name, const std::vector<std::pair<std::string, double>>& values);
  void write() const;

 private:
  struct Line {
    std::string part, name;
    std::vector<std::pair<std::string, double>> values;
  };
  std::string file_;
  std::vector<Line> lines_;
};

}  // namespace dlnative::cuda::check
