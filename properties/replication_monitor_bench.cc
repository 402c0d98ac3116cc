// What an observation of a healthy partition of three replicas costs: when nothing changed, and
// when a log grew by a batch (with the cost of growing it apart).
#include <benchmark/benchmark.h>

#include <memory>

#include "properties/replication_monitor.h"

namespace tribunal {
namespace {

struct Partition {
    ReplicaLog logs[3];
    FlatSet<NodeId> isr{NodeId{0}, NodeId{1}, NodeId{2}};
    RecordBatch proto;
    PartitionView view;

    Partition() {
        BatchBuilder builder;
        Record record;
        record.value = "value";
        record.uid = RecordUid{1};
        builder.append(record);
        proto = builder.close();
        view.leader = NodeId{0};
        view.leader_epoch = LeaderEpoch{1};
        view.partition_epoch = PartitionEpoch{1};
        view.isr = &isr;
        for (std::int32_t i = 0; i < 3; ++i) {
            ReplicaView r;
            r.node = NodeId{i};
            r.running = true;
            r.is_leader = i == 0;
            r.leader_epoch = view.leader_epoch;
            r.partition_epoch = view.partition_epoch;
            r.log = &logs[i];
            if (i == 0) r.isr = r.maximal_isr = &isr;
            view.replicas.push_back(r);
        }
        for (int i = 0; i < 30; ++i) grow(i);
    }
    // One event of a produced batch's way: append, two fetches (the second moves the high
    // watermark).
    void grow(int event) {
        const auto k = static_cast<std::size_t>(event % 3);
        RecordBatch batch = proto;
        batch.base_offset = logs[k].log_end_offset;
        batch.leader_epoch = view.leader_epoch;
        logs[k].append(std::move(batch));
        if (k == 2) view.replicas[0].high_watermark = logs[2].log_end_offset;
        if (k > 0) view.replicas[k].high_watermark = view.replicas[0].high_watermark;
    }
};

void observe_untouched(benchmark::State& state) {
    Partition p;
    ReplicationMonitor monitor;
    for (auto _ : state) monitor.observe(Instant{0}, p.view);
    if (monitor.failures() != 0) state.SkipWithError("a healthy partition failed");
}
BENCHMARK(observe_untouched);

void grow_only(benchmark::State& state) {
    auto p = std::make_unique<Partition>();
    int event = 0;
    for (auto _ : state) {
        p->grow(event++);
        if (event == 30'000) p = std::make_unique<Partition>(), event = 0;
    }
}
BENCHMARK(grow_only);

void grow_and_observe(benchmark::State& state) {
    auto p = std::make_unique<Partition>();
    auto monitor = std::make_unique<ReplicationMonitor>();
    int event = 0;
    for (auto _ : state) {
        p->grow(event++);
        monitor->observe(Instant{event}, p->view);
        if (event < 30'000) continue;
        if (monitor->failures() != 0) state.SkipWithError("a healthy partition failed");
        p = std::make_unique<Partition>();
        monitor = std::make_unique<ReplicationMonitor>();
        event = 0;
    }
}
BENCHMARK(grow_and_observe);

}  // namespace
}  // namespace tribunal
