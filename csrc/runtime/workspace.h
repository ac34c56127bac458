// Workspaces: the memory that plans compute in. A plan holds none of its own; it borrows some for each run.
//
// Every workspace is as large as the largest plan alive needs, so any plan can run in any of them, and there are as
// many as plans have run at once. The last one given back is lent first: it is in cache, and a plan that gets the same
// one again has no addresses to change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "runtime/aligned.h"

namespace dlnative {

// What a plan will need, for as long as it lives.
class WorkspaceClaim {
 public:
  explicit WorkspaceClaim(std::int64_t bytes);
  ~WorkspaceClaim();
  WorkspaceClaim(const WorkspaceClaim&) = delete;
  WorkspaceClaim& operator=(const WorkspaceClaim&) = delete;

  std::int64_t bytes() const { return bytes_; }

 private:
  const std::int64_t bytes_;
};

// A piece of memory that begins on a cache line. Large ones are whole pages of the system's: in the heap, one that grew
// again and again would leave a hole of each of its sizes.
class Workspace {
 public:
  explicit Workspace(std::int64_t bytes);
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  std::byte* begin() const { return begin_; }
  std::int64_t bytes() const { return bytes_; }

 private:
  const std::int64_t bytes_;
  std::byte* begin_;
};

// A workspace for one run, at least as large as a claim. Throws std::bad_alloc where there is no memory for one.
class WorkspaceLease {
 public:
  WorkspaceLease() = default;  // of none
  explicit WorkspaceLease(const WorkspaceClaim& claim);
  ~WorkspaceLease();
  WorkspaceLease(const WorkspaceLease&) = delete;
  WorkspaceLease& operator=(const WorkspaceLease&) = delete;

  std::byte* begin() const { return workspace_ == nullptr ? nullptr : workspace_->begin(); }

 private:
  std::unique_ptr<Workspace> workspace_;
};

}  // namespace dlnative
