#include "adapters/sqlite/broker/group.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sinew::sqlite::broker {

Group::Group(std::string topic, std::vector<std::int64_t> committed,
             std::vector<std::int64_t> heads, GroupLimits limits)
    : destination_{messaging::DestinationKind::topic, std::move(topic)},
      limits_(limits),
      partitions_(committed.size()) {
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    partitions_[i].committed = partitions_[i].read = committed[i];
    partitions_[i].head = heads[i];
  }
}

void Group::appended(std::int32_t partition, std::int64_t head) {
  at(partition).head = std::max(at(partition).head, head);
}

void Group::join(MemberId member, MemberOptions options, Instant now) {
  members_[member].options = options;
  rebalance(now);
}

void Group::leave(MemberId member, Departure departure, Instant now) {
  if (!members_.contains(member)) return;
  for (std::int32_t number = 0; number < std::ssize(partitions_); ++number) {
    Partition& partition = at(number);
    if (partition.heir == member) {
      partition.heir.reset();
      assign(number, *partition.owner);
    }
    if (partition.owner != member) continue;
    take_back_all(number, departure);
    partition.owner.reset();
    if (partition.heir) hand_over(number);
  }
  members_.erase(member);
  rebalance(now);
}

void Group::demand(MemberId member, std::size_t limit, Instant now) {
  const auto found = members_.find(member);
  if (found == members_.end()) return;
  found->second.wanted = limit;
  alive(member, now);
}

std::size_t Group::Member::credit() const noexcept {
  if (leases.size() >= options.prefetch) return 0;
  return std::min(wanted, options.prefetch - leases.size());
}

std::vector<Dealt> Group::deal(Instant now) {
  std::map<MemberId, std::vector<messaging::Signal>> hands;
  for (auto& [id, member] : members_) {
    if (member.wanted > 0 && member.has_notice()) notify(member, hands[id]);
  }
  const auto count = static_cast<std::int32_t>(partitions_.size());
  for (bool gave = true; gave;) {
    gave = false;
    for (std::int32_t i = 0; i < count; ++i) {
      const std::int32_t number = (first_ + i) % count;
      const Partition& partition = at(number);
      if (!partition.owner || partition.heir) continue;
      const MemberId id = *partition.owner;
      Member& member = members_.at(id);
      if (partition.gap.records > 0) tell_skipped(member, number, hands[id]);
      if (member.credit() > 0) gave = give_next(id, member, number, now, hands[id]) || gave;
    }
  }
  first_ = (first_ + 1) % count;
  std::vector<Dealt> dealt;
  for (auto& [id, signals] : hands) {
    if (signals.empty()) continue;
    members_.at(id).wanted = 0;
    dealt.push_back({id, std::move(signals)});
  }
  return dealt;
}

void Group::notify(Member& member, std::vector<messaging::Signal>& to) {
  if (!member.revoked.empty()) {
    to.emplace_back(messaging::Revoked{std::exchange(member.revoked, {}), member.revoked_until});
    --member.wanted;
  }
  if (!member.assigned.empty() && member.wanted > 0) {
    to.emplace_back(messaging::Assigned{std::exchange(member.assigned, {})});
    --member.wanted;
  }
}

void Group::tell_skipped(Member& member, std::int32_t number, std::vector<messaging::Signal>& to) {
  Partition& partition = at(number);
  if (member.wanted == 0) return;
  const Gap gap = std::exchange(partition.gap, {});
  const auto upto = store::Checkpoint::from_position(static_cast<std::uint64_t>(gap.upto));
  to.emplace_back(messaging::Skipped{number, upto, gap.records});
  partition.told = gap.upto;
  --member.wanted;
}

// Returned records before new ones.
bool Group::give_next(MemberId id, Member& member, std::int32_t number, Instant now,
                      std::vector<messaging::Signal>& to) {
  Partition& partition = at(number);
  if (partition.returned > 0) {
    const auto again = std::ranges::find_if(partition.open, [](const auto& item) {
      return !item.second.accepted && item.second.tag == 0;
    });
    --partition.returned;
    give(id, member, number, again->first, now, to);
    return true;
  }
  if (partition.ahead.empty() || partition.open.size() >= limits_.open) return false;
  auto [sequence, envelope] = std::move(partition.ahead.front());
  partition.ahead.pop_front();
  partition.open[sequence].envelope = std::move(envelope);
  give(id, member, number, sequence, now, to);
  return true;
}

void Group::give(MemberId id, Member& member, std::int32_t number, std::int64_t sequence,
                 Instant now, std::vector<messaging::Signal>& to) {
  Partition& partition = at(number);
  Open& open = partition.open.at(sequence);
  open.tag = next_tag_++;
  ++open.deliveries;
  ++partition.lent;
  lent_[open.tag] = {id, number, sequence};
  member.leases.emplace_hint(member.leases.end(), open.tag, now + member.options.lease);
  --member.wanted;
  messaging::Delivery delivery;
  delivery.message = {destination_, *open.envelope};
  delivery.tag = open.tag;
  delivery.delivery_count = open.deliveries;
  delivery.partition = number;
  delivery.position = store::Checkpoint::from_position(static_cast<std::uint64_t>(sequence));
  to.emplace_back(std::move(delivery));
}

std::optional<Group::Load> Group::wanted() const {
  const auto count = static_cast<std::int32_t>(partitions_.size());
  for (std::int32_t i = 0; i < count; ++i) {
    const std::int32_t number = (first_ + i) % count;
    const Partition& partition = partitions_[static_cast<std::size_t>(number)];
    if (!partition.owner || partition.heir || !partition.ahead.empty()) continue;
    if (partition.read >= partition.head || partition.open.size() >= limits_.open) continue;
    if (members_.at(*partition.owner).credit() == 0) continue;
    return Load{number, partition.read, limits_.page, partition.head};
  }
  return std::nullopt;
}

void Group::loaded(const Load& load, Page page) {
  Partition& partition = at(load.partition);
  if (partition.read != load.after) return;  // it was moved meanwhile
  for (StoredMessage& record : page.messages) {
    partition.read = record.sequence;
    partition.ahead.emplace_back(
        record.sequence, std::make_shared<const event::Envelope>(std::move(record.envelope)));
  }
  // Sequences whose records were never committed are passed over.
  if (!page.all) return;
  partition.read = std::max(partition.read, load.head);
  if (partition.open.empty() && partition.ahead.empty()) partition.committed = partition.read;
}

Group::Settled Group::settle(MemberId member, std::span<const messaging::Settle> settlements,
                             Instant now) {
  Settled settled;
  std::map<std::int32_t, std::int64_t> advanced;
  std::vector<std::int32_t> touched;
  for (const messaging::Settle& settle : settlements) {
    const auto found = lent_.find(settle.tag);
    if (found == lent_.end() || found->second.member != member) {
      ++settled.fenced;
      continue;
    }
    const Lent lent = found->second;
    touched.push_back(lent.partition);
    if (settle.settlement == messaging::Settlement::returned) {
      take_back(lent, Departure::closed);
    } else if (accept(lent)) {
      advanced[lent.partition] = at(lent.partition).committed;
    }
  }
  for (const auto& [partition, sequence] : advanced)
    settled.advanced.push_back({partition, sequence, std::exchange(at(partition).told, 0)});
  for (const std::int32_t number : touched) {
    if (at(number).heir && at(number).lent == 0) hand_over(number);
  }
  alive(member, now);
  return settled;
}

// Gives whether everything up to a later record than before is accepted now.
bool Group::accept(const Lent& lent) {
  Partition& partition = at(lent.partition);
  Open& open = partition.open.at(lent.sequence);
  members_.at(lent.member).leases.erase(open.tag);
  lent_.erase(open.tag);
  open.tag = 0;
  open.accepted = true;
  open.envelope.reset();
  --partition.lent;
  const std::int64_t before = partition.committed;
  advance(partition);
  return partition.committed != before;
}

void Group::advance(Partition& partition) {
  while (!partition.open.empty() && partition.open.begin()->second.accepted) {
    partition.committed = partition.open.begin()->first;
    partition.open.erase(partition.open.begin());
  }
}

void Group::missed(std::int32_t partition, Gap gap) { at(partition).gap = gap; }

void Group::trimmed(std::int32_t number, std::int64_t start) {
  Partition& partition = at(number);
  if (partition.committed >= start) return;
  partition.gap.upto = start;
  partition.gap.records += start - partition.committed;
  std::vector<Lent> gone;
  for (const auto& [tag, lent] : lent_) {
    if (lent.partition == number && lent.sequence <= start) gone.push_back(lent);
  }
  for (const Lent& lent : gone)
    take_back(lent, Departure::dropped);
  while (!partition.open.empty() && partition.open.begin()->first <= start) {
    if (partition.open.begin()->second.accepted) {
      --partition.gap.records;
    } else {
      --partition.returned;
    }
    partition.open.erase(partition.open.begin());
  }
  if (partition.gap.records == 0) partition.told = start;
  while (!partition.ahead.empty() && partition.ahead.front().first <= start)
    partition.ahead.pop_front();
  partition.committed = start;
  partition.read = std::max(partition.read, start);
  advance(partition);
  if (partition.heir && partition.lent == 0) hand_over(number);
}

void Group::reset(const std::vector<std::int64_t>& positions) {
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    const std::int64_t head = partitions_[i].head;
    partitions_[i] = {};
    partitions_[i].committed = partitions_[i].read = positions[i];
    partitions_[i].head = head;
  }
}

void Group::take_back(const Lent& lent, Departure departure) {
  Partition& partition = at(lent.partition);
  Open& open = partition.open.at(lent.sequence);
  members_.at(lent.member).leases.erase(open.tag);
  lent_.erase(open.tag);
  open.tag = 0;
  if (departure == Departure::closed) --open.deliveries;
  --partition.lent;
  ++partition.returned;
}

void Group::take_back_all(std::int32_t number, Departure departure) {
  std::vector<Lent> all;
  for (const auto& [tag, lent] : lent_) {
    if (lent.partition == number) all.push_back(lent);
  }
  for (const Lent& lent : all)
    take_back(lent, departure);
}

void Group::renew(MemberId member, Instant now) {
  const auto found = members_.find(member);
  if (found == members_.end()) return;
  for (auto& [tag, until] : found->second.leases)
    until = now + found->second.options.lease;
  alive(member, now);
}

void Group::alive(MemberId member, Instant now) {
  const auto found = members_.find(member);
  if (found == members_.end() || !found->second.suspect) return;
  found->second.suspect = false;
  rebalance(now);
}

void Group::expire(Instant now) {
  bool changed = false;
  for (auto& [id, member] : members_) {
    if (member.leases.empty() || member.leases.begin()->second > now) continue;
    member.suspect = changed = true;
  }
  for (std::int32_t number = 0; number < std::ssize(partitions_); ++number) {
    Partition& partition = at(number);
    if (!partition.owner) continue;
    if (members_.at(*partition.owner).suspect) {
      take_back_all(number, Departure::dropped);
      if (partition.heir) hand_over(number);
    } else if (partition.heir && partition.moves_at <= now) {
      take_back_all(number, Departure::dropped);
      hand_over(number);
    }
  }
  if (changed) rebalance(now);
}

Instant Group::next_expiry() const {
  Instant next = Instant::max();
  for (const auto& [id, member] : members_) {
    if (!member.leases.empty()) next = std::min(next, member.leases.begin()->second);
  }
  for (const Partition& partition : partitions_) {
    if (partition.heir) next = std::min(next, partition.moves_at);
  }
  return next;
}

// Who is to have each partition. Who has one keeps it unless that is more than its share.
std::vector<std::optional<MemberId>> Group::shares() const {
  std::map<MemberId, std::size_t> counts;
  for (const auto& [id, member] : members_) {
    if (!member.suspect) counts[id] = 0;
  }
  if (counts.empty()) {
    for (const auto& [id, member] : members_)
      counts[id] = 0;
  }
  std::vector<std::optional<MemberId>> plan(partitions_.size());
  if (counts.empty()) return plan;
  const std::size_t share = partitions_.size() / counts.size();
  std::size_t larger = partitions_.size() % counts.size();  // members with one more
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const auto& holder = partitions_[i].heir ? partitions_[i].heir : partitions_[i].owner;
    const auto count = holder ? counts.find(*holder) : counts.end();
    if (count == counts.end() || count->second > share) continue;
    if (count->second == share && larger == 0) continue;
    if (count->second == share) --larger;
    ++count->second;
    plan[i] = holder;
  }
  for (auto& owner : plan) {
    if (owner) continue;
    const auto least =
        std::ranges::min_element(counts, {}, [](const auto& item) { return item.second; });
    owner = least->first;
    ++least->second;
  }
  return plan;
}

void Group::rebalance(Instant now) {
  const auto plan = shares();
  for (std::int32_t number = 0; number < std::ssize(partitions_); ++number)
    move(number, plan[static_cast<std::size_t>(number)], now);
}

void Group::move(std::int32_t number, std::optional<MemberId> to, Instant now) {
  Partition& partition = at(number);
  if (!to) return;
  if (!partition.owner) return assign(number, *to);
  if (partition.owner == to) {
    if (!partition.heir) return;
    // It was to move, and stays after all.
    partition.heir.reset();
    return assign(number, *to);
  }
  const bool told = partition.heir.has_value();
  partition.heir = to;
  if (!told) {
    Member& owner = members_.at(*partition.owner);
    if (std::erase(owner.assigned, number) == 0) owner.revoked.push_back(number);
    partition.moves_at = owner.revoked_until =
        now + std::min(owner.options.lease, limits_.handover);
  }
  if (partition.lent == 0) hand_over(number);
}

void Group::hand_over(std::int32_t number) {
  Partition& partition = at(number);
  const MemberId heir = *std::exchange(partition.heir, std::nullopt);
  partition.owner.reset();
  assign(number, heir);
}

void Group::assign(std::int32_t number, MemberId member) {
  at(number).owner = member;
  at(number).moves_at = Instant::max();
  Member& owner = members_.at(member);
  if (std::erase(owner.revoked, number) == 0) owner.assigned.push_back(number);
}

Group::Progress Group::progress(std::size_t partition) const {
  const Partition& each = partitions_[partition];
  return {each.committed, each.head};
}

}  // namespace sinew::sqlite::broker
