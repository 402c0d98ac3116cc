#include "properties/evidence.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "broker/base/check.h"
#include "properties/wording.h"

namespace tribunal {

bool OffsetSlots::settle() {
    if (count_ == 0) return true;
    const auto span = static_cast<std::uint64_t>(high_) - static_cast<std::uint64_t>(low_);
    is_dense_ = span < 4 * count_ + 4096;
    if (is_dense_) size_ = static_cast<std::size_t>(span) + 1;
    return is_dense_;
}

void OffsetSlots::settle_again() {
    std::sort(sorted_.begin(), sorted_.end());
    sorted_.erase(std::unique(sorted_.begin(), sorted_.end()), sorted_.end());
    size_ = sorted_.size();
}

std::size_t OffsetSlots::slot_at_or_after(Offset offset) const {
    if (size_ == 0) return 0;
    if (!is_dense_) {
        return static_cast<std::size_t>(
            std::lower_bound(sorted_.begin(), sorted_.end(), offset.value) - sorted_.begin());
    }
    if (offset.value <= low_) return 0;
    return std::min(static_cast<std::size_t>(offset.value - low_), size_);
}

std::size_t OffsetSlots::slot_of(Offset offset) const {
    const std::size_t slot = slot_at_or_after(offset);
    return slot < size_ && offset_of(slot) == offset ? slot : kNone;
}

Offset OffsetSlots::offset_of(std::size_t slot) const {
    CHECK(slot < size_);
    return Offset{is_dense_ ? low_ + static_cast<std::int64_t>(slot) : sorted_[slot]};
}

const FinalRecord* PartitionEvidence::in_log(Offset offset) const {
    if (!is_log_readable() || log->records.empty()) return nullptr;
    const auto& records = log->records;
    // Without holes the offset is the index.
    const std::int64_t guess = offset.value - records.front().offset.value;
    if (guess < 0) return nullptr;
    if (static_cast<std::size_t>(guess) < records.size() &&
        records[static_cast<std::size_t>(guess)].offset == offset) {
        return &records[static_cast<std::size_t>(guess)];
    }
    const auto it =
        std::lower_bound(records.begin(), records.end(), offset,
                         [](const FinalRecord& record, Offset o) { return record.offset < o; });
    return it != records.end() && it->offset == offset ? &*it : nullptr;
}

std::uint32_t PartitionEvidence::existing_between(Offset low, Offset high) const {
    const std::size_t from = slots.slot_at_or_after(low + 1);
    const std::size_t to = slots.slot_at_or_after(high);
    return from < to ? existing_before[to] - existing_before[from] : 0;
}

Offset PartitionEvidence::next_existing(Offset low, Offset high) const {
    const std::size_t from = slots.slot_at_or_after(low + 1);
    const std::size_t to = slots.slot_at_or_after(high);
    if (from >= to || existing_before[to] == existing_before[from]) return kNoOffset;
    // The first slot after which the count has grown.
    const auto begin = existing_before.begin();
    const auto it =
        std::upper_bound(begin + static_cast<std::ptrdiff_t>(from) + 1,
                         begin + static_cast<std::ptrdiff_t>(to) + 1, existing_before[from]);
    return slots.offset_of(static_cast<std::size_t>(it - begin) - 1);
}

Evidence::Evidence(const History& h, const std::vector<FinalLog>& logs, const RunFacts& f)
    : history(h), facts(f) {
    check_shape();
    number_partitions(logs);
    gather_sends();
    gather_polls();
    gather_logs();
    for (PartitionEvidence& partition : partitions) gather_values(partition);
}

// A history that contradicts its own format is a bug of whoever recorded it.
void Evidence::check_shape() const {
    CHECK(history.sends.size() <= history.clients.size());
    for (const PollOp& poll : history.polls) {
        CHECK(poll.first_record + poll.records <= history.reads.size());
        CHECK(poll.process < history.processes.size());
    }
    for (const ClientOp& op : history.operations) CHECK(op.process < history.processes.size());
}

void Evidence::number_partitions(const std::vector<FinalLog>& logs) {
    constexpr std::int32_t kMost = 1 << 20;
    const auto meet = [this](std::int32_t topic, std::int32_t partition) {
        if (topic < 0 || partition < 0) return;
        CHECK(topic < kMost);
        CHECK(partition < kMost);
        const auto t = static_cast<std::size_t>(topic);
        const auto p = static_cast<std::size_t>(partition);
        if (t >= number_of_.size()) number_of_.resize(t + 1);
        if (p >= number_of_[t].size()) number_of_[t].resize(p + 1, -1);
        number_of_[t][p] = 0;
    };
    for (const PartitionFacts& known : facts.partitions) {
        meet(known.partition.topic.value, known.partition.partition);
    }
    for (const FinalLog& log : logs) meet(log.partition.topic.value, log.partition.partition);
    for (const auto& sends : history.sends) {
        for (const SendOp& send : sends) meet(send.topic, send.partition);
    }
    for (const PollOp& poll : history.polls) {
        meet(poll.partition.topic.value, poll.partition.partition);
    }
    for (const ClientOp& op : history.operations) {
        meet(op.partition.topic.value, op.partition.partition);
    }

    for (std::size_t t = 0; t < number_of_.size(); ++t) {
        for (std::size_t p = 0; p < number_of_[t].size(); ++p) {
            if (number_of_[t][p] < 0) continue;
            number_of_[t][p] = static_cast<std::int32_t>(partitions.size());
            PartitionEvidence& evidence = partitions.emplace_back();
            evidence.partition = {TopicId{static_cast<std::int32_t>(t)},
                                  static_cast<std::int32_t>(p)};
            evidence.name = partition_text(facts, evidence.partition);
        }
    }
    for (const PartitionFacts& known : facts.partitions) {
        if (PartitionEvidence* evidence = edit(known.partition)) evidence->facts = &known;
    }
    for (const FinalLog& log : logs) {
        if (PartitionEvidence* evidence = edit(log.partition)) evidence->log = &log;
    }
    assumed_facts_.reserve(partitions.size());
    for (PartitionEvidence& evidence : partitions) {
        if (evidence.facts != nullptr) continue;
        PartitionFacts& assumed = assumed_facts_.emplace_back();
        assumed.partition = evidence.partition;
        if (evidence.log != nullptr) assumed.log_start_offset = evidence.log->log_start_offset;
        evidence.facts = &assumed;
    }
}

const PartitionEvidence* Evidence::find(TopicPartition partition) const {
    if (partition.topic.value < 0 || partition.partition < 0) return nullptr;
    const auto t = static_cast<std::size_t>(partition.topic.value);
    const auto p = static_cast<std::size_t>(partition.partition);
    if (t >= number_of_.size() || p >= number_of_[t].size() || number_of_[t][p] < 0) return nullptr;
    return &partitions[static_cast<std::size_t>(number_of_[t][p])];
}

PartitionEvidence* Evidence::edit(TopicPartition partition) {
    return const_cast<PartitionEvidence*>(find(partition));
}

// All clients' sends in order of invocation, so that every partition's are: a merge, because each
// client's calls are in order already.
void Evidence::gather_sends() {
    using Next = std::pair<Instant, std::uint32_t>;  // of a client
    std::vector<Next> heap;
    std::vector<std::uint32_t> next(history.sends.size());
    std::vector<PartitionEvidence*> last(history.sends.size());
    marks_.resize(history.sends.size());
    for (std::uint32_t c = 0; c < history.sends.size(); ++c) {
        marks_[c].resize(history.sends[c].size());
        if (!history.sends[c].empty()) heap.emplace_back(history.sends[c].front().invoked, c);
    }
    std::make_heap(heap.begin(), heap.end(), std::greater<>{});
    while (!heap.empty()) {
        std::pop_heap(heap.begin(), heap.end(), std::greater<>{});
        const std::uint32_t c = heap.back().second;
        const auto& sends = history.sends[c];
        // Its turn lasts while nobody else called before.
        const Next rival = heap.size() > 1 ? heap.front() : Next{kNever, UINT32_MAX};
        for (; next[c] < sends.size() && Next{sends[next[c]].invoked, c} <= rival; ++next[c]) {
            const SendOp& send = sends[next[c]];
            CHECK(next[c] == 0 || sends[next[c] - 1].invoked <= send.invoked);
            gather_send({c, next[c]}, last[c]);
        }
        if (next[c] == sends.size()) {
            heap.pop_back();
        } else {
            heap.back().first = sends[next[c]].invoked;
            std::push_heap(heap.begin(), heap.end(), std::greater<>{});
        }
    }
}

void Evidence::gather_send(SendRef ref, PartitionEvidence*& partition) {
    const SendOp& send = history.sends[ref.client][ref.n];
    const TopicPartition target = send.topic_partition();
    if (partition == nullptr || partition->partition != target) partition = edit(target);
    if (partition == nullptr) return;
    partition->has_sends = true;
    if (send.outcome != Outcome::ok || send.offset < Offset{0}) return;
    CHECK(send.completed >= send.invoked);
    CHECK(send.process < history.processes.size());
    partition->slots.meet(send.offset);
    partition->acknowledged.push_back({send.offset, send.invoked, send.completed, ref, send.process,
                                       send.acks, is_durable(send, *partition->facts)});
}

void Evidence::gather_polls() {
    PartitionEvidence* partition = nullptr;
    for (std::uint32_t i = 0; i < history.polls.size(); ++i) {
        const PollOp& poll = history.polls[i];
        if (poll.records == 0) continue;
        if (partition == nullptr || partition->partition != poll.partition) {
            partition = edit(poll.partition);
        }
        CHECK(partition != nullptr);
        partition->polls.push_back(i);
        for (std::uint32_t r = 0; r < poll.records; ++r) {
            const Offset offset = offset_of(poll, r);
            partition->slots.meet(offset);
            partition->max_read = std::max(partition->max_read, offset);
            const RecordUid uid = uid_of(poll, r);
            if (genuine(poll.partition, uid) == nullptr) continue;
            marks_[History::client_of(uid)][History::sequence_of(uid)] |= kRead;
        }
    }
    for (std::uint32_t i = 0; i < history.operations.size(); ++i) {
        const ClientOpKind kind = history.operations[i].kind;
        if (kind != ClientOpKind::reset && kind != ClientOpKind::truncation) continue;
        if (PartitionEvidence* target = edit(history.operations[i].partition)) {
            (kind == ClientOpKind::reset ? target->resets : target->truncations).push_back(i);
        }
    }
}

void Evidence::gather_logs() {
    for (PartitionEvidence& partition : partitions) {
        if (!partition.is_log_readable()) continue;
        Offset last = kNoOffset;
        for (const FinalRecord& record : partition.log->records) {
            CHECK(record.offset > last);
            last = record.offset;
            partition.slots.meet(record.offset);
            const SendOp* send = history.send_of(record.uid);
            if (send == nullptr) continue;
            auto& mark = marks_[History::client_of(record.uid)][History::sequence_of(record.uid)];
            if ((mark & kInSomeLog) != 0) duplicated.push_back(record.uid);
            mark |= kInSomeLog;
            if (send->topic_partition() == partition.partition) mark |= kInLog;
        }
    }
    std::sort(duplicated.begin(), duplicated.end());
    duplicated.erase(std::unique(duplicated.begin(), duplicated.end()), duplicated.end());
}

void Evidence::gather_values(PartitionEvidence& p) {
    const auto for_each_read = [&](auto&& visit) {
        for (const std::uint32_t i : p.polls) {
            const PollOp& poll = history.polls[i];
            for (std::uint32_t r = 0; r < poll.records; ++r) visit(poll, r);
        }
    };
    if (!p.slots.settle()) {
        if (p.is_log_readable()) {
            for (const FinalRecord& record : p.log->records) p.slots.meet_again(record.offset);
        }
        for (const Acknowledged& a : p.acknowledged) p.slots.meet_again(a.offset);
        for_each_read(
            [&](const PollOp& poll, std::uint32_t r) { p.slots.meet_again(offset_of(poll, r)); });
        p.slots.settle_again();
    }
    p.values.assign(p.slots.size(), kNoUid);
    for (const Acknowledged& a : p.acknowledged) {
        RecordUid& value = p.values[p.slots.slot_of(a.offset)];
        if (value == kNoUid) value = a.ref.uid();
    }
    p.existing_before.assign(p.slots.size() + 1, 0);
    for_each_read([&](const PollOp& poll, std::uint32_t r) {
        const std::size_t slot = p.slots.slot_of(offset_of(poll, r));
        p.existing_before[slot + 1] = 1;
        const RecordUid uid = uid_of(poll, r);
        if (p.values[slot] == kNoUid && genuine(p.partition, uid) != nullptr) p.values[slot] = uid;
    });
    if (p.is_log_readable()) {
        for (const FinalRecord& record : p.log->records) {
            p.existing_before[p.slots.slot_of(record.offset) + 1] = 1;
        }
    }
    for (std::size_t i = 1; i < p.existing_before.size(); ++i) {
        p.existing_before[i] += p.existing_before[i - 1];
    }
}

const SendOp* Evidence::genuine(TopicPartition partition, RecordUid uid) const {
    const SendOp* send = history.send_of(uid);
    if (send == nullptr || send->topic != partition.topic.value) return nullptr;
    // A send that was never answered may not know its partition.
    return send->partition < 0 || send->partition == partition.partition ? send : nullptr;
}

const ClientOp* Evidence::reset_between(const PartitionEvidence& partition, std::uint16_t process,
                                        Instant from, Instant to) const {
    // Operations are in order of invocation.
    auto it = std::lower_bound(
        partition.resets.begin(), partition.resets.end(), from,
        [this](std::uint32_t i, Instant at) { return history.operations[i].invoked < at; });
    for (; it != partition.resets.end(); ++it) {
        const ClientOp& reset = history.operations[*it];
        if (reset.invoked > to) break;
        if (reset.process == process) return &reset;
    }
    return nullptr;
}

Evidence::SetBack Evidence::set_back_between(const PartitionEvidence& partition,
                                             std::uint16_t process, Instant from,
                                             Instant to) const {
    SetBack lowest;
    for (const std::uint32_t i : partition.truncations) {
        const ClientOp& op = history.operations[i];
        if (op.process != process || op.invoked < from || op.invoked > to) continue;
        if (lowest.to == kNoOffset || op.offset < lowest.to) lowest = {op.offset, op.invoked};
    }
    return lowest;
}

NodeId Evidence::node_of_process(std::uint16_t process) const {
    const std::uint32_t client = history.processes[process].client;
    return client < history.clients.size() ? history.clients[client].node : kNoNode;
}

Witness Evidence::sent(SendRef ref) const {
    const SendOp& op = send(ref);
    return {op.invoked, fmt::format("{} sent {} to {} with {}", client_text(history, ref.client),
                                    record_text(history, ref.uid()),
                                    op.partition < 0 ? "a partition to be chosen"
                                                     : partition_text(facts, op.topic_partition()),
                                    acks_text(op.acks))};
}

Witness Evidence::answered(SendRef ref) const {
    const SendOp& op = send(ref);
    const std::string client = client_text(history, ref.client);
    const std::string record = record_text(history, ref.uid());
    switch (op.outcome) {
        case Outcome::ok: {
            const std::string name = partition_text(facts, op.topic_partition());
            if (op.offset < Offset{0}) {
                return {op.completed, fmt::format("{} took {} for sent to {}, offset not told",
                                                  client, record, name)};
            }
            return {op.completed, fmt::format("{} was told that {} stands at {}", client, record,
                                              place_text(name, op.offset))};
        }
        case Outcome::fail:
        case Outcome::info:
            return {op.completed, fmt::format("{} was told {} for {}", client,
                                              name_of(static_cast<ErrorCode>(op.error)), record)};
        case Outcome::pending:
            break;
    }
    return {history.end, fmt::format("{} still waits for an answer to {}", client, record)};
}

Witness Evidence::read(const PollOp& poll, Offset offset, RecordUid uid) const {
    return {poll.completed,
            fmt::format("{} read {} at {}", client_of_process_text(history, poll.process),
                        record_text(history, uid),
                        place_text(partition_text(facts, poll.partition), offset))};
}

Witness Evidence::logged(const PartitionEvidence& partition, Offset offset) const {
    if (!partition.is_log_readable()) {
        return {history.end, fmt::format("{} has no leader at the end", partition.name)};
    }
    const FinalRecord* record = partition.in_log(offset);
    if (record != nullptr) {
        return {history.end,
                fmt::format("the log has {} at {}, of leader epoch {}",
                            record_text(history, record->uid), place_text(partition.name, offset),
                            record->leader_epoch.value)};
    }
    const auto& records = partition.log->records;
    if (records.empty())
        return {history.end, fmt::format("the log of {} is empty", partition.name)};
    return {history.end, fmt::format("the log of {} goes from {} to {}{}", partition.name,
                                     records.front().offset.value, records.back().offset.value,
                                     offset == kNoOffset
                                         ? std::string{}
                                         : fmt::format(" and has no record at {}", offset.value))};
}

void Evidence::add_fact(std::vector<Witness>& witnesses, const PartitionEvidence& partition,
                        const Claim& claim) const {
    if (claim.at == kNever) return;
    const char* what = "a fact";
    switch (claim.row->circumstance) {
        case Circumstance::leader_change:
        case Circumstance::deposed_leader:
        case Circumstance::stale_leader:
            what = "another leader was chosen for";
            break;
        case Circumstance::unclean_election:
        case Circumstance::deposed_by_unclean:
            what = "a leader from outside the ISR was chosen for";
            break;
        case Circumstance::budget_exhausted:
            what = "every in-sync replica had lost unsynced data of";
            break;
        case Circumstance::metadata_lost:
            what = "a majority of the controllers lost the metadata of";
            break;
        case Circumstance::offset_reset:
            what = "auto.offset.reset moved the consumer of";
            break;
        case Circumstance::set_back:
            what = "a new leader said where its log parts from what the consumer had read of";
            break;
        case Circumstance::compacted:
            what = "the cleaner removed the record from a replica of";
            break;
        case Circumstance::always:
        case Circumstance::deleted:
        case Circumstance::below_log_start:
        case Circumstance::corrupted_disk:
        case Circumstance::never_in_range:
        case Circumstance::leaderless:
        case Circumstance::producer_unknown:
        case Circumstance::producer_expired:
            return;
    }
    witnesses.push_back({claim.at, fmt::format("{} {}", what, partition.name)});
}

}  // namespace tribunal
