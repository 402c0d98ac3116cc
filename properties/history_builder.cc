#include "properties/history_builder.h"

#include <algorithm>
#include <string>

#include "broker/base/check.h"
#include "broker/base/prng.h"

namespace tribunal {
namespace {

TopicPartition partition_number(std::uint32_t i) {
    return {TopicId{0}, static_cast<std::int32_t>(i)};
}

void add_partitions(RunLeftover& run, std::uint32_t count) {
    run.facts.topic_names = {"orders"};
    for (std::uint32_t i = 0; i < count; ++i) {
        PartitionFacts facts;
        facts.partition = partition_number(i);
        facts.name = "orders-" + std::to_string(i);
        run.facts.partitions.push_back(facts);
        FinalLog log;
        log.partition = partition_number(i);
        run.logs.push_back(log);
    }
    run.facts.metadata_records = 1;
}

// A client with its first process, which has the same number.
std::uint32_t add_client(RunLeftover& run, const char* kind, std::uint32_t n) {
    const auto client = static_cast<std::uint32_t>(run.history.clients.size());
    ClientInfo info;
    info.name = kind + std::to_string(n);
    info.node = NodeId{static_cast<std::int32_t>(100 + client)};
    run.history.clients.push_back(info);
    run.history.processes.push_back({client, Instant{0}, kNever});
    run.history.sends.emplace_back();
    return client;
}

ReadRecord read_record(std::int64_t delta, RecordUid uid) {
    ReadRecord read;
    read.offset_delta = static_cast<std::uint32_t>(delta);
    if (uid == kNoUid) {
        read.sequence = ReadRecord::kUnknownSequence;
    } else {
        read.client = static_cast<std::uint16_t>(History::client_of(uid));
        read.sequence = static_cast<std::uint32_t>(History::sequence_of(uid));
    }
    return read;
}

// A perfect cluster, one call at a time.
class CleanRun {
  public:
    CleanRun(std::uint64_t seed, const CleanOptions& options) : random_(seed), options_(options) {
        add_partitions(run_, options.partitions);
        next_offset_.resize(options.partitions);
        next_sequence_.assign(options.producers, std::vector<std::int32_t>(options.partitions));
        for (std::uint32_t i = 0; i < options.producers; ++i) {
            ClientInfo& info = run_.history.clients[add_client(run_, "p", i)];
            info.acks = options.acks;
            info.idempotent = options.idempotent;
            info.retries = options.idempotent ? 1000 : 0;
        }
        for (std::uint32_t i = 0; i < options.consumers; ++i) {
            add_client(run_, "c", i);
            for (std::uint32_t p = 0; p < options.partitions; ++p) {
                ClientOp assign;
                assign.process = process_of(i);
                assign.partition = partition_number(p);
                assign.outcome = Outcome::ok;
                assign.completed = Instant{0};
                run_.history.operations.push_back(assign);
            }
        }
        next_read_.assign(options.consumers, std::vector<std::size_t>(options.partitions));
    }

    RunLeftover play() {
        for (std::uint32_t n = 0; n < options_.sends; ++n) {
            send();
            for (std::uint32_t c = 0; c < options_.consumers; ++c) {
                if (random_.below(options_.poll_records) == 0) poll(c);
                if (options_.end_offsets && random_.below(8) == 0) ask_for_end(c);
            }
        }
        pass(10'000'000);
        for (std::uint32_t c = 0; c < options_.consumers; ++c) {
            for (std::uint32_t p = 0; p < options_.partitions; ++p) {
                while (next_read_[c][p] < run_.logs[p].records.size()) poll(c, p);
            }
        }
        for (std::uint32_t p = 0; p < options_.partitions; ++p) {
            run_.logs[p].high_watermark = next_offset_[p];
        }
        run_.facts.live_brokers = 3;
        run_.history.end = now_;
        return std::move(run_);
    }

  private:
    void pass(std::uint64_t most) {
        now_ = now_ + nanoseconds(1 + static_cast<std::int64_t>(random_.below(most)));
    }
    std::uint32_t any_partition() {
        return static_cast<std::uint32_t>(random_.below(options_.partitions));
    }
    std::uint16_t process_of(std::uint32_t consumer) const {
        return static_cast<std::uint16_t>(options_.producers + consumer);
    }

    void send() {
        pass(2'000'000);
        const auto client = static_cast<std::uint32_t>(random_.below(options_.producers));
        const std::uint32_t p = any_partition();
        if (options_.holes && random_.below(6) == 0) next_offset_[p] = next_offset_[p] + 1;
        auto& sends = run_.history.sends[client];
        const RecordUid uid = History::uid_of(client, sends.size());
        SendOp op;
        op.invoked = now_;
        op.completed =
            now_ + nanoseconds(100 + static_cast<std::int64_t>(random_.below(4'000'000)));
        op.offset = next_offset_[p];
        op.topic = 0;
        op.partition = static_cast<std::int32_t>(p);
        op.process = static_cast<std::uint16_t>(client);
        op.outcome = Outcome::ok;
        op.acks = options_.acks;
        op.attempts = 1;
        if (op.acks == 0) op.offset = kNoOffset;
        sends.push_back(op);
        run_.logs[p].records.push_back({next_offset_[p], uid, LeaderEpoch{0}});
        if (options_.idempotent) {
            const std::int32_t sequence = next_sequence_[client][p]++;
            run_.logs[p].batches.push_back({next_offset_[p], ProducerId{client}, 0, sequence,
                                            sequence, Timestamp{now_.value / 1'000'000}});
        }
        next_offset_[p] = next_offset_[p] + 1;
    }

    void poll(std::uint32_t consumer) { poll(consumer, any_partition()); }
    void poll(std::uint32_t consumer, std::uint32_t p) {
        pass(1'000'000);
        std::size_t& next = next_read_[consumer][p];
        const auto& records = run_.logs[p].records;
        if (next == records.size()) return;
        const std::size_t count =
            std::min<std::size_t>(records.size() - next, 1 + random_.below(options_.poll_records));
        PollOp op;
        op.invoked = now_;
        op.completed = now_;
        op.partition = partition_number(p);
        op.position = next == 0 ? Offset{0} : records[next - 1].offset + 1;
        op.base_offset = records[next].offset;
        op.first_record = run_.history.reads.size();
        op.records = static_cast<std::uint32_t>(count);
        op.process = process_of(consumer);
        for (std::size_t i = 0; i < count; ++i, ++next) {
            run_.history.reads.push_back(
                read_record(records[next].offset.value - op.base_offset.value, records[next].uid));
        }
        run_.history.polls.push_back(op);
    }

    void ask_for_end(std::uint32_t consumer) {
        pass(1'000'000);
        ClientOp op;
        op.kind = ClientOpKind::list_offsets_latest;
        op.outcome = Outcome::ok;
        op.process = process_of(consumer);
        const std::uint32_t p = any_partition();
        op.partition = partition_number(p);
        op.offset = next_offset_[p];
        op.invoked = now_;
        op.completed = now_ + nanoseconds(static_cast<std::int64_t>(random_.below(1'000'000)));
        run_.history.operations.push_back(op);
    }

    Prng random_;
    CleanOptions options_;
    RunLeftover run_;
    Instant now_{1'000'000'000};
    std::vector<Offset> next_offset_;
    std::vector<std::vector<std::int32_t>> next_sequence_;  // [producer][partition]
    std::vector<std::vector<std::size_t>> next_read_;       // [consumer][partition]
};

// Small numbers everywhere, so that things collide: 2 partitions, 3 producers, 2 consumers,
// instants in whole milliseconds.
class MessyRun {
  public:
    static constexpr std::uint32_t kPartitions = 2;
    static constexpr std::uint32_t kProducers = 3;
    static constexpr std::uint32_t kConsumers = 2;

    MessyRun() {
        add_partitions(run_, kPartitions);
        for (std::uint32_t i = 0; i < kProducers; ++i) add_client(run_, "p", i);
        for (std::uint32_t i = 0; i < kConsumers; ++i) add_client(run_, "c", i);
        for (std::uint32_t c = 0; c < kProducers + kConsumers; ++c) process_[c] = c;
    }

    void step(std::uint32_t word) {
        random_ = Prng{word};
        now_ = now_ + milliseconds(static_cast<std::int64_t>(random_.below(3)));
        switch (random_.below(24)) {
            default:
                return send();
            case 0:
            case 1:
            case 2:
            case 3:
            case 4:
            case 5:
            case 6:
                return poll();
            case 7:
            case 8:
                return ask_for_end();
            case 9:
                return assign();
            case 10:
                return restart();
            case 11:
                return edit_log();
            case 12:
            case 13:
                return happen();
            case 14:
                return configure();
        }
    }

    RunLeftover finish() {
        run_.history.end = now_ + milliseconds(10);
        for (std::uint32_t p = 0; p < kPartitions; ++p) {
            run_.logs[p].high_watermark = next_offset_[p];
        }
        return std::move(run_);
    }

  private:
    bool chance(std::uint32_t percent) { return random_.below(100) < percent; }
    std::int64_t small(std::uint64_t n) { return static_cast<std::int64_t>(random_.below(n)); }
    std::uint32_t any_partition() { return static_cast<std::uint32_t>(random_.below(kPartitions)); }
    std::uint32_t any_consumer() {
        return kProducers + static_cast<std::uint32_t>(random_.below(kConsumers));
    }
    std::uint16_t process_of(std::uint32_t client) const {
        return static_cast<std::uint16_t>(process_[client]);
    }
    RecordUid any_uid() {
        const auto client = static_cast<std::uint32_t>(random_.below(kProducers));
        const std::size_t count = run_.history.sends[client].size();
        return History::uid_of(client, random_.below(count + 1));  // perhaps one nobody sent
    }

    void send() {
        const auto client = static_cast<std::uint32_t>(random_.below(kProducers));
        const std::uint32_t p = any_partition();
        const ClientInfo& info = run_.history.clients[client];
        SendOp op;
        op.invoked = now_;
        op.topic = 0;
        op.partition = static_cast<std::int32_t>(p);
        op.process = process_of(client);
        op.acks = info.acks;
        op.attempts = static_cast<std::uint16_t>(random_.below(3));
        const RecordUid uid = History::uid_of(client, run_.history.sends[client].size());
        if (chance(10)) next_offset_[p] = next_offset_[p] + 1;
        if (chance(90)) {
            op.offset = next_offset_[p];
            run_.logs[p].records.push_back({next_offset_[p], uid, LeaderEpoch{0}});
            next_offset_[p] = next_offset_[p] + 1;
        }
        if (chance(8)) op.offset = Offset{small(8) - 1};
        const std::int64_t outcome = small(100);
        op.outcome = outcome < 80   ? Outcome::ok
                     : outcome < 92 ? Outcome::info
                     : outcome < 96 ? Outcome::fail
                                    : Outcome::pending;
        if (op.outcome == Outcome::pending) {
            if (chance(50)) op.partition = -1;
        } else {
            op.completed = now_ + milliseconds(small(5));
        }
        if (op.outcome != Outcome::ok) op.offset = kNoOffset;
        if (op.outcome == Outcome::info && chance(50)) op.error = 7;
        run_.history.sends[client].push_back(op);
        if (info.idempotent) number(client, p);
    }

    // A batch for the last offset, usually with the next sequence of the newest epoch.
    void number(std::uint32_t client, std::uint32_t p) {
        FinalBatch& newest = numbered_[client][p];
        FinalBatch batch = newest;
        batch.base_offset = next_offset_[p];
        batch.producer = ProducerId{client};
        const std::int64_t day = 24 * 3'600'000;
        batch.timestamp = Timestamp{newest.timestamp.value + (chance(5) ? day : 1)};
        batch.base_sequence = newest.last_sequence + 1;
        if (newest.base_offset == Offset{0} && !chance(20)) batch.base_sequence = 0;
        if (chance(5)) ++batch.base_sequence;
        if (chance(5)) ++batch.epoch, batch.base_sequence = chance(80) ? 0 : 1;
        batch.last_sequence = batch.base_sequence + static_cast<std::int32_t>(small(3));
        run_.logs[p].batches.push_back(batch);
        newest = batch;
    }

    void poll() {
        const std::uint32_t client = any_consumer();
        const std::uint32_t p = any_partition();
        Offset& position = position_[client][p];
        const auto& records = run_.logs[p].records;
        PollOp op;
        op.invoked = now_;
        op.completed = now_;
        op.partition = partition_number(p);
        op.position = position;
        op.first_record = run_.history.reads.size();
        op.process = process_of(client);
        op.assignment = assignment_[client];
        if (chance(6)) position = Offset{small(6)};
        const auto from =
            std::lower_bound(records.begin(), records.end(), position,
                             [](const FinalRecord& record, Offset o) { return record.offset < o; });
        std::vector<std::pair<Offset, RecordUid>> given;
        for (auto it = from; it != records.end() && it - from < 4; ++it) {
            if (chance(4)) continue;
            given.emplace_back(it->offset, chance(4) ? any_uid() : it->uid);
            if (chance(3)) given.push_back(given.back());
            if (chance(3)) given.emplace_back(records.front().offset, records.front().uid);
        }
        if (given.empty()) return;
        position = given.back().first + 1;
        op.base_offset = given.front().first;
        op.records = static_cast<std::uint32_t>(given.size());
        for (const auto& [offset, uid] : given) {
            run_.history.reads.push_back(
                read_record(offset.value - op.base_offset.value, chance(2) ? kNoUid : uid));
            if (chance(2)) run_.history.reads.back().flags = ReadRecord::kCorrupt;
        }
        run_.history.polls.push_back(op);
    }

    void ask_for_end() {
        const std::uint32_t p = any_partition();
        ClientOp op;
        op.kind =
            chance(90) ? ClientOpKind::list_offsets_latest : ClientOpKind::list_offsets_earliest;
        op.outcome = chance(90) ? Outcome::ok : Outcome::info;
        op.process = process_of(any_consumer());
        op.partition = partition_number(p);
        op.offset = chance(80) ? next_offset_[p] : Offset{small(6)};
        op.invoked = now_;
        op.completed = now_ + milliseconds(small(3));
        run_.history.operations.push_back(op);
    }

    void assign() {
        const std::uint32_t client = any_consumer();
        ClientOp op;
        op.kind = chance(40)   ? ClientOpKind::assign
                  : chance(50) ? ClientOpKind::reset
                               : ClientOpKind::truncation;
        if (op.kind == ClientOpKind::reset && chance(60)) op.error = ErrorCode::offset_out_of_range;
        op.outcome = Outcome::ok;
        op.process = process_of(client);
        op.partition = partition_number(any_partition());
        op.invoked = now_;
        op.completed = now_;
        Offset& position = position_[client][static_cast<std::size_t>(op.partition.partition)];
        position = Offset{small(6)};
        if (op.kind == ClientOpKind::truncation) op.offset = position;
        run_.history.operations.push_back(op);
        if (op.kind == ClientOpKind::assign) ++assignment_[client];
    }

    void restart() {
        const auto client = static_cast<std::uint32_t>(random_.below(kProducers + kConsumers));
        run_.history.processes[process_[client]].ended = now_;
        process_[client] = static_cast<std::uint32_t>(run_.history.processes.size());
        run_.history.processes.push_back({client, now_, kNever});
    }

    void edit_log() {
        const std::uint32_t p = any_partition();
        auto& records = run_.logs[p].records;
        switch (random_.below(4)) {
            case 0:
                if (!records.empty()) records.pop_back();
                return;
            case 1:
                if (!records.empty()) {
                    records.erase(records.begin() + small(records.size()));
                }
                return;
            case 2:
                if (!records.empty()) {
                    records[random_.below(records.size())].uid = any_uid();
                }
                return;
            default:
                records.push_back({next_offset_[p], any_uid(), LeaderEpoch{0}});
                next_offset_[p] = next_offset_[p] + 1;
        }
    }

    void happen() {
        const std::uint32_t p = any_partition();
        PartitionFacts& facts = run_.facts.partitions[p];
        RunFacts& all = run_.facts;
        all.any_fault = all.any_fault || chance(70);
        switch (random_.below(18)) {
            case 0:
            case 1:
            case 2:
            case 3:
                facts.leader_changes.push_back(now_);
                return;
            case 4:
            case 5:
                facts.leader_changes.push_back(now_);
                facts.unclean_elections.push_back(now_);
                return;
            case 6:
            case 7:
            case 8:
                facts.deposed_leader_until = now_;
                return;
            case 9:
                facts.budget_exhausted_at = now_;
                return;
            case 10:
                facts.log_start_offset = Offset{small(5)};
                return;
            case 11:
                facts.corrupted_disk = true;
                return;
            case 12:
                if (chance(30)) facts.deleted = true;
                if (chance(30)) facts.metadata_lost_at = now_;
                return;
            case 13:
                run_.logs[p].readable = false;
                return;
            case 14:
                all.leaderless.push_back(partition_number(p));
                return;
            case 15:
                all.stale_images.push_back(NodeId{static_cast<std::int32_t>(p)});
                return;
            case 16:
                all.converged = false;
                return;
            default:
                all.stuck_consumers.push_back(
                    {"c0", partition_number(p), Offset{small(5)}, Offset{9}});
        }
    }

    void configure() {
        const auto client = random_.below(kProducers + kConsumers);
        ClientInfo& info = run_.history.clients[client];
        info.acks = static_cast<std::int8_t>(small(3) - 1);
        info.idempotent = chance(50);
        info.max_in_flight = chance(30) ? 1 : 5;
        info.retries = chance(30) ? 0 : 3;
        info.check_crcs = chance(50);
        info.validates_position = chance(50);
    }

    RunLeftover run_;
    Prng random_;
    Instant now_{1'000'000'000};
    Offset next_offset_[kPartitions] = {};
    FinalBatch numbered_[kProducers][kPartitions] = {};
    std::uint32_t process_[kProducers + kConsumers] = {};
    std::uint16_t assignment_[kProducers + kConsumers] = {};
    Offset position_[kProducers + kConsumers][kPartitions] = {};
};

}  // namespace

RunLeftover clean_run(std::uint64_t seed, const CleanOptions& options) {
    return CleanRun(seed, options).play();
}

RunLeftover messy_run(const std::vector<std::uint32_t>& words) {
    MessyRun run;
    for (const std::uint32_t word : words) run.step(word);
    return run.finish();
}

FinalLog& log_of(RunLeftover& run, TopicPartition partition) {
    for (FinalLog& log : run.logs) {
        if (log.partition == partition) return log;
    }
    check_failed("no such log", __FILE__, __LINE__);
}

PartitionFacts& facts_of(RunLeftover& run, TopicPartition partition) {
    for (PartitionFacts& facts : run.facts.partitions) {
        if (facts.partition == partition) return facts;
    }
    check_failed("no such partition", __FILE__, __LINE__);
}

SendOp& send_of(RunLeftover& run, RecordUid uid) {
    CHECK(run.history.send_of(uid) != nullptr);
    return run.history.sends[History::client_of(uid)][History::sequence_of(uid)];
}

void swap_records(RunLeftover& run, TopicPartition partition, Offset a, Offset b) {
    for (auto& sends : run.history.sends) {
        for (SendOp& send : sends) {
            if (send.topic_partition() != partition) continue;
            if (send.offset == a) {
                send.offset = b;
            } else if (send.offset == b) {
                send.offset = a;
            }
        }
    }
    FinalRecord* at_a = nullptr;
    FinalRecord* at_b = nullptr;
    for (FinalRecord& record : log_of(run, partition).records) {
        if (record.offset == a) at_a = &record;
        if (record.offset == b) at_b = &record;
    }
    CHECK(at_a != nullptr);
    CHECK(at_b != nullptr);
    for (const PollOp& poll : run.history.polls) {
        if (poll.partition != partition) continue;
        for (std::uint32_t r = 0; r < poll.records; ++r) {
            ReadRecord& read = run.history.reads[poll.first_record + r];
            const Offset offset = poll.base_offset + static_cast<std::int32_t>(read.offset_delta);
            if (offset == a) read = read_record(read.offset_delta, at_b->uid);
            if (offset == b) read = read_record(read.offset_delta, at_a->uid);
        }
    }
    std::swap(at_a->uid, at_b->uid);
}

void erase_read(RunLeftover& run, std::size_t number, std::uint32_t r) {
    PollOp& poll = run.history.polls[number];
    CHECK(poll.records > 1);
    CHECK(r < poll.records);
    auto& reads = run.history.reads;
    const auto begin = reads.begin() + static_cast<std::ptrdiff_t>(poll.first_record);
    reads.erase(begin + r);
    --poll.records;
    if (r == 0) {
        const std::uint32_t shift = begin->offset_delta;
        poll.base_offset = poll.base_offset + shift;
        for (std::uint32_t i = 0; i < poll.records; ++i) begin[i].offset_delta -= shift;
    }
    for (PollOp& other : run.history.polls) {
        if (other.first_record > poll.first_record) --other.first_record;
    }
}

void insert_read(RunLeftover& run, std::size_t number, std::uint32_t r, Offset offset,
                 RecordUid uid) {
    PollOp& poll = run.history.polls[number];
    CHECK(r <= poll.records);
    auto& reads = run.history.reads;
    if (r == 0) {
        const std::int64_t shift = poll.base_offset.value - offset.value;
        for (std::uint32_t i = 0; i < poll.records; ++i) {
            ReadRecord& read = reads[poll.first_record + i];
            read.offset_delta = static_cast<std::uint32_t>(read.offset_delta + shift);
        }
        poll.base_offset = offset;
    }
    reads.insert(reads.begin() + static_cast<std::ptrdiff_t>(poll.first_record + r),
                 read_record(offset.value - poll.base_offset.value, uid));
    ++poll.records;
    for (PollOp& other : run.history.polls) {
        if (other.first_record > poll.first_record) ++other.first_record;
    }
}

void erase_from_log(RunLeftover& run, TopicPartition partition, RecordUid uid) {
    auto& records = log_of(run, partition).records;
    std::erase_if(records, [&](const FinalRecord& record) { return record.uid == uid; });
}

}  // namespace tribunal
