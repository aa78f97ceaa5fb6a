// Networks of one shape and loss for a kernel of a GPU, on the side of the host: the arrays that are copied to the
// device and back, and the states that they come from and become.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "device/member.hpp"
#include "engines/member_state.hpp"
#include "engines/pack.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL::device {

// Why no kernel can train a network on this number of rows; empty if one can.
std::string reason_against_warp(const Plan& plan, std::int64_t rows);

class Colony {
 public:
  // Throws std::invalid_argument if the members differ in shape or loss, or if no kernel can train one of them. Their
  // tables must outlive the colony and not change.
  explicit Colony(std::vector<Member<float>> members);

  std::int64_t count() const { return static_cast<std::int64_t>(members_.size()); }
  const Member<float>& member(std::int64_t m) const { return members_[static_cast<std::size_t>(m)]; }
  const ShapeNumbers& shape() const { return shape_; }
  std::int64_t order_rows() const { return order_rows_; }
  // Of the memory of a warp.
  std::int64_t bytes_of_warp(bool keeps_order) const;

  // diverged: a number is not finite; the state is that of the beginning of its epoch.
  Status status(std::int64_t m) const { return status_[static_cast<std::size_t>(m)]; }
  const Progress& progress(std::int64_t m) const { return progress_[static_cast<std::size_t>(m)]; }
  MemberState<float> state(std::int64_t m) const;
  void set_state(std::int64_t m, const MemberState<float>& state);

  // What a launch reads and writes; the addresses are those of the host.
  const std::vector<MemberPlan>& plans() const { return plans_; }
  std::vector<Progress>& all_progress() { return progress_; }
  std::vector<Status>& all_status() { return status_; }
  std::vector<float>& weights() { return weights_; }
  std::vector<float>& best() { return best_; }  // empty: no member stops early
  std::vector<float>& planes() { return planes_; }
  std::int64_t planes_each() const { return planes_each_; }

  // Adds what a launch of at most `epochs` epochs recorded: records[member][epoch]. Call it after the launch has
  // written the progress of the members. Each epoch is recorded to have taken `seconds`.
  void add_records(const EpochRecord* records, std::int64_t epochs, double seconds);

 private:
  template <class F>
  void each_parameter(float* arena, F&& f) const;

  std::vector<Member<float>> members_;
  NetworkShape network_;
  ShapeNumbers shape_;
  std::int64_t planes_each_ = 0;
  std::int64_t order_rows_ = 0;
  std::vector<MemberPlan> plans_;
  std::vector<Progress> progress_;
  std::vector<Status> status_;
  std::vector<float> weights_, best_, planes_;
  std::vector<std::vector<EpochRecord>> history_;
};

}  // namespace creche::CRECHE_LEVEL::device
