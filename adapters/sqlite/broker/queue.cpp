#include "adapters/sqlite/broker/queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sinew::sqlite::broker {
namespace {

// What an entry takes besides its data: attributes and nodes, roughly.
constexpr std::size_t entry_bytes = 512;

std::size_t size_of(const Entry& entry) { return entry.envelope->data.size() + entry_bytes; }

}  // namespace

Queue::Queue(messaging::QueueSpec spec, std::int64_t stored, std::int64_t tail, QueueLimits limits)
    : spec_(std::move(spec)),
      limits_(limits),
      destination_{messaging::DestinationKind::queue, spec_.name},
      stored_(stored),
      next_sequence_(tail + 1),
      tail_(tail) {}

std::optional<std::int64_t> Queue::reserve() {
  if (stored_ + reserved_ >= spec_.max_messages || next_sequence_ > max_sequence) {
    return std::nullopt;
  }
  ++reserved_;
  return next_sequence_++;
}

void Queue::published(std::vector<Entry> entries) {
  if (entries.empty()) return;
  const auto count = static_cast<std::int64_t>(entries.size());
  reserved_ -= count;
  stored_ += count;
  counts_.published += entries.size();
  const bool all_in_memory = scanned_ >= tail_;
  const std::int64_t last = entries.back().sequence;
  tail_ = std::max(tail_, last);
  if (!all_in_memory || !room()) return;
  for (Entry& entry : entries) {
    // A scan may have met it between its commit and now.
    if (entry.sequence > scanned_) admit(std::move(entry));
  }
  scanned_ = std::max(scanned_, last);
}

std::optional<std::int64_t> Queue::reserve_due() {
  if (next_sequence_ > max_sequence) return std::nullopt;
  ++reserved_;
  return next_sequence_++;
}

void Queue::delayed(std::int64_t count) {
  reserved_ -= count;
  stored_ += count;
  delayed_ += count;
}

void Queue::delayed_removed(std::int64_t count) {
  stored_ -= count;
  delayed_ -= count;
}

std::unordered_set<std::int64_t> Queue::lent() const {
  std::unordered_set<std::int64_t> sequences;
  for (const auto& [id, member] : members_) {
    for (const auto& [tag, lent] : member.lent)
      sequences.insert(lent.entry.sequence);
  }
  return sequences;
}

void Queue::removed(std::span<const Place> places) {
  for (const Place& place : places) {
    --stored_;
    if (loading_) gone_.insert(place.sequence);
    forget(place);
  }
}

// Takes a message out of memory, if it is there.
void Queue::forget(const Place& place) {
  if (const auto ready = ready_.find(place.sequence); ready != ready_.end()) {
    unhold(ready->second);
    ready_.erase(ready);
    if (place.key != 0) advance(place.key);
    return;
  }
  const auto key = keys_.find(place.key);
  if (key == keys_.end()) return;
  auto& behind = key->second.behind;
  const auto entry = std::ranges::lower_bound(behind, place.sequence, {}, &Entry::sequence);
  if (entry == behind.end() || entry->sequence != place.sequence) return;
  unhold(*entry);
  behind.erase(entry);
}

void Queue::count_expired(std::uint64_t dead_lettered, std::uint64_t dropped) noexcept {
  counts_.dead_lettered += dead_lettered;
  counts_.dropped += dropped;
}

void Queue::withdraw(std::int64_t count) { reserved_ -= count; }

void Queue::doubt(std::int64_t last) {
  tail_ = std::max(tail_, last);
  ++doubts_;
}

void Queue::end_doubt(std::int64_t reserved, std::int64_t written, std::int64_t delayed) {
  --doubts_;
  reserved_ -= reserved;
  stored_ += written;
  delayed_ += delayed;
}

void Queue::join(MemberId member, MemberOptions options) { members_[member].options = options; }

void Queue::leave(MemberId member, Departure departure) {
  const auto found = members_.find(member);
  if (found == members_.end()) return;
  Member& leaving = found->second;
  leaving.wanted = 0;
  leaving.gone = true;
  for (auto item = leaving.lent.begin(); item != leaving.lent.end();) {
    if (departure == Departure::closed) --item->second.entry.deliveries;
    if (item->second.settling) {
      ++item;
      continue;
    }
    ++(departure == Departure::closed ? counts_.returned : counts_.lost);
    item = take_back(leaving, item);
  }
  if (leaving.lent.empty()) members_.erase(found);
}

void Queue::demand(MemberId member, std::size_t limit) {
  const auto found = members_.find(member);
  if (found != members_.end() && !found->second.gone) found->second.wanted = limit;
}

std::size_t Queue::Member::credit() const noexcept {
  if (lent.size() >= options.prefetch) return 0;
  return std::min(wanted, options.prefetch - lent.size());
}

// Round by round, one each, so that those who wait share what there is.
std::vector<Dealt> Queue::deal(Instant now) {
  std::vector<Dealt> dealt;
  pass_over_expired(now);
  if (ready_.empty() || pauses_ > 0) return dealt;
  std::vector<Member*> takers;
  for (auto& [id, member] : members_) {
    if (member.credit() == 0) continue;
    takers.push_back(&member);
    dealt.push_back({id, {}});
  }
  const auto first = std::ranges::upper_bound(dealt, last_served_, {}, &Dealt::member);
  std::rotate(takers.begin(), takers.begin() + (first - dealt.begin()), takers.end());
  std::rotate(dealt.begin(), first, dealt.end());
  for (bool gave = true; gave;) {
    gave = false;
    for (std::size_t i = 0; i < takers.size() && !ready_.empty(); ++i) {
      if (takers[i]->credit() == 0) continue;
      give(dealt[i].member, *takers[i], now, dealt[i].signals);
      gave = true;
    }
  }
  std::erase_if(dealt, [](const Dealt& each) { return each.signals.empty(); });
  for (const Dealt& each : dealt)
    members_.at(each.member).wanted = 0;
  return dealt;
}

void Queue::pass_over_expired(Instant now) {
  while (!ready_.empty() && ready_.begin()->second.expires <= now) {
    const auto node = ready_.extract(ready_.begin());
    unhold(node.mapped());
    if (node.mapped().key != 0) advance(node.mapped().key);
  }
}

void Queue::give(MemberId id, Member& member, Instant now, std::vector<messaging::Signal>& to) {
  auto node = ready_.extract(ready_.begin());
  Entry& entry = node.mapped();
  unhold(entry);
  ++entry.deliveries;
  const std::uint64_t tag = next_tag_++;
  messaging::Delivery delivery;
  delivery.message = {destination_, *entry.envelope};
  delivery.tag = tag;
  delivery.delivery_count = entry.deliveries;
  to.emplace_back(std::move(delivery));
  member.lent.emplace_hint(member.lent.end(), tag,
                           Lent{std::move(entry), now + member.options.lease});
  --member.wanted;
  ++in_work_;
  ++counts_.delivered;
  last_served_ = id;
  pass_over_expired(now);
}

std::optional<Queue::Load> Queue::wanted() const {
  if (doubts_ > 0 || pauses_ > 0) return std::nullopt;
  const bool starving = ready_.empty() && std::ranges::any_of(members_, [](const auto& member) {
                          return member.second.credit() > 0;
                        });
  if (!unread_.empty() && (starving || room())) {
    const std::uint64_t key = unread_.front();
    return Load{key, keys_.at(key).last, scanned_, limits_.per_key};
  }
  if (!starving || scanned_ >= tail_) return std::nullopt;
  return Load{0, scanned_, max_sequence, limits_.page};
}

void Queue::end_load() noexcept {
  loading_ = false;
  gone_.clear();
}

void Queue::loaded(const Load& load, std::vector<Entry> entries, bool all) {
  if (!room()) forget_behind();
  const std::int64_t last = entries.empty() ? load.after : entries.back().sequence;
  std::erase_if(entries, [this](const Entry& entry) { return gone_.contains(entry.sequence); });
  if (load.key == 0) {
    for (Entry& entry : entries)
      admit(std::move(entry));
    scanned_ = all ? std::max(tail_, last) : last;
    return;
  }
  std::erase(unread_, load.key);
  Key& key = keys_.at(load.key);
  key.more = false;
  for (Entry& entry : entries)
    admit(std::move(entry));
  key.more = !all || load.upto < scanned_;
  if (!key.busy && key.more) unread_.push_back(load.key);
  if (!key.busy && !key.more) keys_.erase(load.key);
}

// Takes a message into memory, behind those of its key; or leaves it in the table when its key has
// enough here.
void Queue::admit(Entry entry) {
  if (entry.key == 0) return make_ready(std::move(entry));
  Key& key = keys_[entry.key];
  if (key.more || key.behind.size() >= limits_.per_key) {
    key.more = true;
    return;
  }
  key.last = entry.sequence;
  if (!key.busy) {
    key.busy = true;
    return make_ready(std::move(entry));
  }
  hold(entry);
  key.behind.push_back(std::move(entry));
}

void Queue::make_ready(Entry entry) {
  hold(entry);
  const std::int64_t sequence = entry.sequence;
  ready_.emplace(sequence, std::move(entry));
}

Queue::Settling Queue::begin_settle(MemberId member,
                                    std::span<const messaging::Settle> settlements) {
  Settling settling;
  settling.member = member;
  const auto found = members_.find(member);
  for (const messaging::Settle& settle : settlements) {
    if (found == members_.end()) {
      ++settling.fenced;
      continue;
    }
    auto& all = found->second.lent;
    const auto lent = all.find(settle.tag);
    if (lent == all.end() || lent->second.settling) {
      ++settling.fenced;
    } else if (settle.settlement == messaging::Settlement::returned) {
      --lent->second.entry.deliveries;
      ++counts_.returned;
      take_back(found->second, lent);
    } else {
      lent->second.settling = true;
      settling.tags.push_back(settle.tag);
      settling.sequences.push_back(lent->second.entry.sequence);
    }
  }
  return settling;
}

void Queue::end_settle(const Settling& settling, bool deleted) {
  const auto found = members_.find(settling.member);
  if (found == members_.end()) return;
  Member& member = found->second;
  for (const std::uint64_t tag : settling.tags) {
    const auto lent = member.lent.find(tag);
    if (lent == member.lent.end()) continue;
    lent->second.settling = false;
    if (deleted) {
      const std::uint64_t key = lent->second.entry.key;
      member.lent.erase(lent);
      --in_work_;
      --stored_;
      ++counts_.accepted;
      if (key != 0) advance(key);
    } else if (member.gone) {
      take_back(member, lent);
    }
  }
  if (member.gone && member.lent.empty()) members_.erase(found);
}

Queue::Loans::iterator Queue::take_back(Member& member, Loans::iterator lent) {
  --in_work_;
  make_ready(std::move(lent->second.entry));
  return member.lent.erase(lent);
}

// The first message of the key is done: the next one's turn.
void Queue::advance(std::uint64_t id) {
  const auto found = keys_.find(id);
  Key& key = found->second;
  if (!key.behind.empty()) {
    Entry next = std::move(key.behind.front());
    key.behind.pop_front();
    unhold(next);
    return make_ready(std::move(next));
  }
  key.busy = false;
  if (key.more) {
    unread_.push_back(id);
  } else {
    keys_.erase(found);
  }
}

// The memory is full of messages that wait behind others while somebody waits for any: they can be
// read again.
void Queue::forget_behind() {
  for (auto& [id, key] : keys_) {
    if (key.behind.empty()) continue;
    key.last = key.behind.front().sequence - 1;
    key.more = true;
    for (const Entry& entry : key.behind)
      unhold(entry);
    key.behind.clear();
  }
}

void Queue::renew(MemberId member, Instant now) {
  const auto found = members_.find(member);
  if (found == members_.end()) return;
  for (auto& [tag, lent] : found->second.lent)
    lent.until = now + found->second.options.lease;
}

void Queue::expire(Instant now) {
  for (auto& [id, member] : members_) {
    for (auto item = member.lent.begin(); item != member.lent.end();) {
      const bool due = !item->second.settling && item->second.until <= now;
      counts_.lost += due ? 1 : 0;
      item = due ? take_back(member, item) : std::next(item);
    }
  }
}

Instant Queue::next_expiry() const {
  Instant next = Instant::max();
  for (const auto& [id, member] : members_) {
    const auto lent =
        std::ranges::find_if(member.lent, [](const auto& item) { return !item.second.settling; });
    if (lent != member.lent.end()) next = std::min(next, lent->second.until);
  }
  return next;
}

bool Queue::room() const noexcept {
  return held_ < limits_.messages && held_bytes_ < limits_.bytes;
}

void Queue::hold(const Entry& entry) noexcept {
  ++held_;
  held_bytes_ += size_of(entry);
}

void Queue::unhold(const Entry& entry) noexcept {
  --held_;
  held_bytes_ -= size_of(entry);
}

}  // namespace sinew::sqlite::broker
