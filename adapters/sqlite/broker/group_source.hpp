#pragma once

#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite/broker/group.hpp"
#include "adapters/sqlite/broker/source.hpp"
#include "adapters/sqlite/broker/tables.hpp"
#include "sinew/store/database.hpp"

namespace sinew::sqlite::broker {

// A group of a topic over the tables.
class GroupSource final : public Source {
 public:
  GroupSource(store::Database& database, const TopicRow& topic, GroupRow row,
              std::vector<std::int64_t> heads, GroupLimits limits)
      : database_(database),
        topic_(topic.number),
        name_(std::move(row.name)),
        group_(topic.spec.name, std::move(row.committed), std::move(heads), limits) {
    for (std::size_t i = 0; i < row.gaps.size(); ++i)
      group_.missed(static_cast<std::int32_t>(i), row.gaps[i]);
  }

  Group& group() noexcept { return group_; }
  const Group& group() const noexcept { return group_; }

  bool being_moved = false;  // by an operator: nobody joins

  void join(MemberId member, MemberOptions options, Instant now) override {
    group_.join(member, options, now);
  }
  void leave(MemberId member, Departure departure, Instant now) override {
    group_.leave(member, departure, now);
  }
  void demand(MemberId member, std::size_t limit, Instant now) override {
    group_.demand(member, limit, now);
  }
  void renew(MemberId member, Instant now) override { group_.renew(member, now); }
  Task<std::size_t> settle(MemberId member, std::vector<messaging::Settle> settlements,
                           Instant now) override;

  std::vector<Dealt> deal(Instant now) override { return group_.deal(now); }
  bool wants_load() const override { return group_.wanted().has_value(); }
  Task<void> load() override;

  void expire(Instant now) override { group_.expire(now); }
  Instant next_expiry() const override { return group_.next_expiry(); }

 private:
  store::Database& database_;
  std::int64_t topic_;
  std::string name_;
  Group group_;
};

}  // namespace sinew::sqlite::broker
