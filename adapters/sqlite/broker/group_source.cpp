#include "adapters/sqlite/broker/group_source.hpp"

#include "sinew/base/crash_point.hpp"

namespace sinew::sqlite::broker {

Task<std::size_t> GroupSource::settle(MemberId member, std::vector<messaging::Settle> settlements,
                                      Instant now) {
  const Group::Settled settled = group_.settle(member, settlements, now);
  if (settled.advanced.empty()) co_return settled.fenced;
  SINEW_CRASH_POINT("broker.before_advance");
  co_await database_.transaction([this, &settled](store::Transaction& tx) -> Task<void> {
    co_await commit_positions(tx, topic_, name_, settled.advanced);
  });
  SINEW_CRASH_POINT("broker.after_advance");
  co_return settled.fenced;
}

Task<void> GroupSource::load() {
  const auto wanted = group_.wanted();
  if (!wanted) co_return;
  Page page = co_await database_.read([this, &wanted](store::Transaction& tx) -> Task<Page> {
    co_return co_await read_records(tx, topic_ + wanted->partition, wanted->after, wanted->limit);
  });
  group_.loaded(*wanted, std::move(page));
}

}  // namespace sinew::sqlite::broker
