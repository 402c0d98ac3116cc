// What a replica's log costs: appending batches of 100 records, reading and truncating at 10,
// 1,000 and 100,000 batches (the times must grow like a logarithm), and copying a log of 10^5
// records, alone and with the append that follows.
#include <benchmark/benchmark.h>

#include "broker/log/replica_log.h"

namespace tribunal {
namespace {

constexpr int kRecords = 100;

RecordBatch batch_of_100() {
    BatchBuilder builder;
    for (int i = 0; i < kRecords; ++i) {
        Record record;
        record.value = std::string(20, 'v');
        record.timestamp = Timestamp{1'000 + i};
        builder.append(record);
    }
    RecordBatch batch = builder.close();
    batch.leader_epoch = LeaderEpoch{1};
    return batch;
}

TopicConfig segments_of(std::int64_t bytes) {
    TopicConfig config;
    config.segment_bytes = bytes;
    return config;
}

ReplicaLog log_of(std::int64_t batches, const TopicConfig& config) {
    ReplicaLog log;
    RecordBatch batch = batch_of_100();
    for (std::int64_t i = 0; i < batches; ++i) {
        batch.base_offset = log.log_end_offset;
        log.append(batch, config);
    }
    return log;
}

// 100 MB segments of 3.3 KB batches, as a busy topic has them.
void append_batches(benchmark::State& state) {
    const TopicConfig config = segments_of(100 << 20);
    const RecordBatch batch = batch_of_100();
    ReplicaLog log;
    for (auto _ : state) {
        RecordBatch next = batch;
        next.base_offset = log.log_end_offset;
        benchmark::DoNotOptimize(log.append(std::move(next), config));
        if (log.log_end_offset >= Offset{50'000'000}) {
            state.PauseTiming();
            log = ReplicaLog{};
            state.ResumeTiming();
        }
    }
    state.SetItemsProcessed(state.iterations() * kRecords);
}
BENCHMARK(append_batches);

// Segments of about 1,000 batches.
void read_one_batch(benchmark::State& state) {
    const ReplicaLog log = log_of(state.range(0), segments_of(3'300'000));
    std::vector<RecordBatch> out;
    std::uint64_t place = 1;
    for (auto _ : state) {
        out.clear();
        place = place * 6364136223846793005ull + 1442695040888963407ull;
        const auto end = static_cast<std::uint64_t>(log.log_end_offset.value);
        log.read(Offset{static_cast<std::int64_t>((place >> 11) % end)}, log.log_end_offset, 1,
                 out);
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK(read_one_batch)->Arg(10)->Arg(1'000)->Arg(100'000);

// Cuts one batch off the end and appends another.
void truncate_one_batch(benchmark::State& state) {
    const TopicConfig config = segments_of(3'300'000);
    ReplicaLog log = log_of(state.range(0), config);
    const RecordBatch batch = batch_of_100();
    for (auto _ : state) {
        benchmark::DoNotOptimize(log.truncate_to(log.log_end_offset + -kRecords));
        RecordBatch next = batch;
        next.base_offset = log.log_end_offset;
        log.append(std::move(next), config);
    }
}
BENCHMARK(truncate_one_batch)->Arg(10)->Arg(1'000)->Arg(100'000);

// 10^5 records in batches of `range` records' worth: 1,000 batches of 100, or as many as 10^5.
void copy_a_log(benchmark::State& state) {
    const ReplicaLog log = log_of(state.range(0), kPlainTopic);
    for (auto _ : state) {
        const ReplicaLog copy = log;
        benchmark::DoNotOptimize(&copy);
    }
}
BENCHMARK(copy_a_log)->Arg(1'000)->Arg(100'000);

void copy_a_log_and_append(benchmark::State& state) {
    const ReplicaLog log = log_of(state.range(0), kPlainTopic);
    RecordBatch batch = batch_of_100();
    batch.base_offset = log.log_end_offset;
    for (auto _ : state) {
        ReplicaLog copy = log;
        copy.append(batch, kPlainTopic);
        benchmark::DoNotOptimize(&copy);
    }
}
BENCHMARK(copy_a_log_and_append)->Arg(1'000)->Arg(100'000);

}  // namespace
}  // namespace tribunal
