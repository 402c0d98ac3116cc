// How fast is the bare event loop? PHOLD (Fujimoto 1990), the usual yardstick of discrete-event
// simulators: every event updates the record of its node and schedules one event at a random node
// after an exponential latency, so the number of pending events stays what it was.
//
// Each workload runs on sim/event_queue.h, asking for ties before every pop as the run loop does,
// and on a plain std::priority_queue. Both must execute the same schedule: the hash over all node
// records is compared, and a difference aborts the program.
//
//     phold/...     1000 nodes, 1, 10 or 100 events a node, mean latency 1 ms
//     cluster/...   9 nodes, messages under way for 0.5 ms on average, beside timers of seconds
//
// On a shared machine compare ratios of medians of interleaved runs:
//     --benchmark_enable_random_interleaving=true --benchmark_repetitions=11
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <queue>
#include <string>
#include <vector>

#include "broker/base/prng.h"
#include "sim/event_queue.h"

namespace tribunal {
namespace {

constexpr std::uint32_t kWarmUp = 200'000;
constexpr std::uint32_t kEvents = 1'000'000;

struct Workload {
    std::uint32_t nodes;
    std::uint32_t messages;
    std::uint32_t timers;
    Duration latency;
};

constexpr Workload phold(std::uint32_t events_per_node) {
    return {1000, 1000 * events_per_node, 0, milliseconds(1)};
}
constexpr Workload cluster(std::uint32_t messages, std::uint32_t timers) {
    return {9, messages, timers, microseconds(500)};
}

enum Kind : std::uint32_t { kMessage, kTimer };

// One cache line, as a node of a real model would touch at least.
struct alignas(64) NodeRecord {
    std::uint64_t events = 0;
    std::uint64_t hash = 0;
    Instant last;
    std::uint64_t unused[5] = {};
};
static_assert(sizeof(NodeRecord) == 64);

class RunLoopQueue {
  public:
    void push(Instant at, std::uint32_t node, std::uint32_t kind, std::uint64_t payload) {
        queue_.push(at, node, kind, payload);
    }
    Event pop() {
        if (queue_.ties() > 1) ++choices_;
        return queue_.pop();
    }
    std::size_t bytes() const { return queue_.bytes(); }

  private:
    EventQueue queue_;
    std::uint64_t choices_ = 0;
};

class PriorityQueue {
  public:
    void push(Instant at, std::uint32_t node, std::uint32_t kind, std::uint64_t payload) {
        queue_.push(Event{at, next_sequence_++, node, kind, payload});
    }
    Event pop() {
        const Event event = queue_.top();
        queue_.pop();
        return event;
    }
    std::size_t bytes() const { return queue_.size() * sizeof(Event); }

  private:
    struct Later {
        bool operator()(const Event& a, const Event& b) const {
            return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
        }
    };
    std::priority_queue<Event, std::vector<Event>, Later> queue_;
    std::uint64_t next_sequence_ = 0;
};

template <class Queue>
class World {
  public:
    explicit World(const Workload& workload) : workload_(workload), nodes_(workload.nodes) {
        for (std::uint32_t i = 0; i < workload.messages; ++i) schedule(Instant{}, kMessage, i);
        for (std::uint32_t i = 0; i < workload.timers; ++i) schedule(Instant{}, kTimer, i);
    }

    void run(std::uint64_t events) {
        for (std::uint64_t i = 0; i < events; ++i) {
            const Event event = queue_.pop();
            NodeRecord& node = nodes_[event.node];
            ++node.events;
            node.hash = mix(node.hash, static_cast<std::uint64_t>(event.at.value));
            node.last = event.at;
            schedule(event.at, event.kind, event.payload + 1);
        }
    }

    std::uint64_t hash() const {
        std::uint64_t hash = 0;
        for (const NodeRecord& node : nodes_) hash = mix(hash, node.hash + node.events);
        return hash;
    }
    std::size_t queue_bytes() const { return queue_.bytes(); }

  private:
    static std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
        hash = (hash ^ value) * 0xff51afd7ed558ccdull;
        return hash ^ (hash >> 32);
    }
    void schedule(Instant now, std::uint32_t kind, std::uint64_t payload) {
        const Duration mean = kind == kTimer ? seconds(2) : workload_.latency;
        const Duration delay = exponential(mean, static_cast<std::uint32_t>(prng_.next() >> 32));
        const auto node = static_cast<std::uint32_t>(prng_.below(workload_.nodes));
        queue_.push(now + delay, node, kind, payload);
    }

    Workload workload_;
    std::vector<NodeRecord> nodes_;
    Queue queue_;
    Prng prng_{42};
};

std::uint64_t expected_hash(const Workload& workload) {
    World<PriorityQueue> world{workload};
    world.run(kWarmUp);
    world.run(kEvents);
    return world.hash();
}

template <class Queue>
void run_workload(benchmark::State& state, Workload workload) {
    const std::uint64_t expected = expected_hash(workload);
    std::size_t bytes = 0;
    for (auto _ : state) {
        state.PauseTiming();
        World<Queue> world{workload};
        world.run(kWarmUp);
        state.ResumeTiming();
        world.run(kEvents);
        state.PauseTiming();
        if (world.hash() != expected) {
            std::fputs("phold_bench: the queues executed different schedules\n", stderr);
            std::abort();
        }
        bytes = world.queue_bytes();
        state.ResumeTiming();
    }
    const std::uint32_t pending = workload.messages + workload.timers;
    state.counters["events/s"] =
        benchmark::Counter(kEvents, benchmark::Counter::kIsIterationInvariantRate);
    state.counters["bytes/pending"] = static_cast<std::uint32_t>(bytes / pending);
}

bool add(const std::string& name, const Workload& workload) {
    const auto unit = benchmark::kMillisecond;
    benchmark::RegisterBenchmark((name + "/event_queue").c_str(), run_workload<RunLoopQueue>,
                                 workload)
        ->Unit(unit);
    benchmark::RegisterBenchmark((name + "/priority_queue").c_str(), run_workload<PriorityQueue>,
                                 workload)
        ->Unit(unit);
    return true;
}

[[maybe_unused]] const bool added =
    add("phold/1", phold(1)) && add("phold/10", phold(10)) && add("phold/100", phold(100)) &&
    add("cluster/50", cluster(20, 30)) && add("cluster/500", cluster(200, 300));

}  // namespace
}  // namespace tribunal
