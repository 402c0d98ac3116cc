// A whole cluster at work: events and records a second, simulated seconds a second, memory, and how
// they grow with brokers, partitions and records; the cost of copying and of digesting a world.
//
// CPU time of one core. "judged" runs carry the recorder and the replication monitors, as
// `tribunal run` does; "bare" ones are the world alone.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include "scenarios/play.h"

namespace tribunal {
namespace {

struct Shape {
    int brokers = 3;
    int partitions = 3;
    int clients = 3;                // producers, and as many consumers
    int records_per_second = 1000;  // all producers together; 0: idle
    std::int64_t seconds = 60;
    int retention_bytes = -1;
    int segment_bytes = 1 << 30;  // retention deletes whole segments
    bool idempotent = true;
};

Scenario scenario_of(const Shape& shape) {
    std::string clients;
    for (int i = 0; i < shape.clients; ++i) {
        if (shape.records_per_second > 0) {
            clients += fmt::format(
                R"({{ "producer": "p{}", "topic": "t", "config": {{ "acks": "all", "linger.ms": 0, "enable.idempotence": {} }},
                     "load": {{ "rate": "{}/s" }} }},)",
                i, shape.idempotent, std::max(1, shape.records_per_second / shape.clients));
        }
        std::string assignment;
        for (int p = i; p < shape.partitions; p += shape.clients) {
            assignment += fmt::format("{}\"t-{}\"", assignment.empty() ? "" : ", ", p);
        }
        clients += fmt::format(
            R"({{ "consumer": "c{}", "assignment": [{}], "config": {{ "auto.offset.reset": "earliest" }} }}{})",
            i, assignment, i + 1 < shape.clients ? "," : "");
    }
    return parse_scenario(
        fmt::format(
            R"({{ "name": "bench", "cluster": {{ "brokers": {}, "config": {{ "log.retention.check.interval.ms": 5000 }} }},
            "topics": [ {{ "name": "t", "partitions": {}, "replication.factor": 3,
                           "config": {{ "min.insync.replicas": 2, "retention.bytes": {}, "segment.bytes": {} }} }} ],
            "clients": [ {} ], "run": {{ "for": "{}s" }} }})",
            shape.brokers, shape.partitions, shape.retention_bytes, shape.segment_bytes, clients,
            shape.seconds),
        "bench", ".");
}

std::size_t heap_bytes() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

void run_cluster(benchmark::State& state, const Shape& shape, bool judged) {
    const Scenario scenario = scenario_of(shape);
    std::uint64_t events = 0;
    std::uint64_t records = 0;
    std::size_t bytes = 0;
    std::size_t pending = 0;
    for (auto _ : state) {
        const std::size_t before = heap_bytes();
        World world = build_world(scenario);
        Recorder recorder{world};
        SeededChooser chooser{1};
        const Instant end = Instant{0} + seconds(shape.seconds);
        while (world.step(chooser, judged ? &recorder : nullptr, end)) {
        }
        events += world.events();
        for (const auto& host : world.hosts) {
            if (const auto* p = std::get_if<Producer>(&host->node))
                records += p->next_record - p->unfinished;
        }
        bytes = std::max(bytes, heap_bytes() - before);
        pending = std::max(pending, world.pending_events());
    }
    const auto rate = [](double n) { return benchmark::Counter(n, benchmark::Counter::kIsRate); };
    state.counters["events/s"] = rate(static_cast<double>(events));
    state.counters["records/s"] = rate(static_cast<double>(records));
    state.counters["sim_s/s"] =
        rate(static_cast<double>(shape.seconds) * static_cast<double>(state.iterations()));
    state.counters["heap_MiB"] = static_cast<double>(bytes) / (1 << 20);
    state.counters["B/record"] = records == 0 ? 0.0
                                              : static_cast<double>(bytes) *
                                                    static_cast<double>(state.iterations()) /
                                                    static_cast<double>(records);
    state.counters["events/sim_s"] = static_cast<double>(events) /
                                     static_cast<double>(state.iterations()) /
                                     static_cast<double>(shape.seconds);
    state.counters["pending"] = static_cast<double>(pending);
}

void cluster_idle(benchmark::State& state) {
    run_cluster(state, Shape{.records_per_second = 0, .seconds = 600}, true);
}
void cluster_busy_judged(benchmark::State& state) { run_cluster(state, Shape{}, true); }
void cluster_busy_bare(benchmark::State& state) { run_cluster(state, Shape{}, false); }
// With the producers of before 3.0, which the broker need not know.
void cluster_plain_judged(benchmark::State& state) {
    run_cluster(state, Shape{.idempotent = false}, true);
}
void cluster_plain_bare(benchmark::State& state) {
    run_cluster(state, Shape{.idempotent = false}, false);
}
void cluster_by_brokers(benchmark::State& state) {
    run_cluster(state,
                Shape{.brokers = static_cast<int>(state.range(0)), .partitions = 30, .seconds = 30},
                true);
}
void cluster_by_partitions(benchmark::State& state) {
    run_cluster(state, Shape{.partitions = static_cast<int>(state.range(0)), .seconds = 30}, true);
}
// Metadata dominates: a partition of ten thousand has something to do only now and then.
void cluster_large(benchmark::State& state) {
    run_cluster(state, Shape{.brokers = 100, .partitions = 10'000}, true);
}
void cluster_by_records(benchmark::State& state) {
    run_cluster(state,
                Shape{.records_per_second = 10'000,
                      .seconds = state.range(0) / 10'000,
                      .retention_bytes = 10 << 20,
                      .segment_bytes = 1 << 20},
                true);
}
BENCHMARK(cluster_idle)->Unit(benchmark::kMillisecond);
BENCHMARK(cluster_busy_judged)->Unit(benchmark::kMillisecond);
BENCHMARK(cluster_busy_bare)->Unit(benchmark::kMillisecond);
BENCHMARK(cluster_plain_judged)->Unit(benchmark::kMillisecond);
BENCHMARK(cluster_plain_bare)->Unit(benchmark::kMillisecond);
BENCHMARK(cluster_by_brokers)->Arg(3)->Arg(10)->Arg(30)->Unit(benchmark::kMillisecond);
BENCHMARK(cluster_by_partitions)->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(cluster_large)->Unit(benchmark::kMillisecond);
BENCHMARK(cluster_by_records)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);

// A world with ten seconds of history behind it: by default 3,000 records in all.
World grown_world(int partitions, int records_a_partition = 0) {
    Shape shape{.partitions = partitions};
    if (records_a_partition > 0) {
        shape.records_per_second = records_a_partition * partitions / 10;
    }
    World world = build_world(scenario_of(shape));
    SeededChooser chooser{1};
    while (world.step(chooser, nullptr, Instant{0} + seconds(10))) {
    }
    return world;
}

void copy_world(benchmark::State& state, const World& world) {
    const std::size_t before = heap_bytes();
    {
        World copy = world;
        benchmark::DoNotOptimize(copy);
        state.counters["heap_B"] = static_cast<double>(heap_bytes() - before);
    }
    for (auto _ : state) {
        World copy = world;
        benchmark::DoNotOptimize(copy);
    }
}
void copy_world_and_step(benchmark::State& state, const World& world) {
    SeededChooser chooser{2};
    std::size_t bytes = 0;
    for (auto _ : state) {
        const std::size_t before = heap_bytes();
        World copy = world;  // the first step clones the node that it touches
        copy.step(chooser, nullptr);
        benchmark::DoNotOptimize(copy);
        bytes = std::max(bytes, heap_bytes() - before);
    }
    state.counters["heap_B"] = static_cast<double>(bytes);
}
void world_copy(benchmark::State& state) {
    copy_world(state, grown_world(static_cast<int>(state.range(0))));
}
void world_copy_and_step(benchmark::State& state) {
    copy_world_and_step(state, grown_world(static_cast<int>(state.range(0))));
}
// How much the copy of a long log costs: segments are shared, so nothing of their records.
void world_copy_long_logs(benchmark::State& state) {
    copy_world(state, grown_world(3, static_cast<int>(state.range(0))));
}
void world_copy_long_logs_and_step(benchmark::State& state) {
    copy_world_and_step(state, grown_world(3, static_cast<int>(state.range(0))));
}
void world_digest(benchmark::State& state) {
    const World world = grown_world(static_cast<int>(state.range(0)));
    for (auto _ : state) benchmark::DoNotOptimize(world.digest());
}
BENCHMARK(world_copy)->Arg(3)->Arg(100)->Unit(benchmark::kMicrosecond);
BENCHMARK(world_copy_and_step)->Arg(3)->Arg(100)->Unit(benchmark::kMicrosecond);
BENCHMARK(world_copy_long_logs)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(world_copy_long_logs_and_step)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(world_digest)->Arg(3)->Arg(100)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tribunal
