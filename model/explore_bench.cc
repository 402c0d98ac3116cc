// How fast is the explorer, and what is its seen set worth?
//
//     search/...       whole searches of the models on which TLC was measured; `generated` is a
//                      rate per second of CPU time of all threads, bytes_per_state is that of seen
//                      set and parent links
//     seen_set/...     look-ups alone, three of four of them for digests that are there already,
//                      as in a search: the seen set, with and without a batch of prefetches, and
//                      the sets of the standard library and of Boost
//
// On a shared machine compare ratios of medians of interleaved runs:
//     --benchmark_enable_random_interleaving=true --benchmark_repetitions=11
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <boost/container/flat_set.hpp>
#include <boost/unordered_set.hpp>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "broker/base/prng.h"
#include "model/seen_set.h"
#include "model/specs/specs.h"

namespace tribunal {
namespace {

// --- whole searches -----------------------------------------------------------------------------

struct Search {
    std::string name;
    ModelEntry (*model)();
    std::vector<std::string> constants;
    unsigned workers = 1;
    bool symmetry = false;
};

void search_all(benchmark::State& state, const Search& what) {
    const ModelEntry model = what.model();
    const Constants constants = parse_constants(model, what.constants);
    SearchOptions options;
    options.workers = what.workers;
    options.symmetry = what.symmetry;
    options.liveness = false;
    std::uint64_t generated = 0;
    std::uint64_t distinct = 0;
    std::uint64_t bytes = 0;
    std::int64_t cpu_ns = 0;
    for (auto _ : state) {
        const SearchResult result = model.search(constants, options);
        if (!result.complete) state.SkipWithError(result.stopped_by.c_str());
        generated += result.generated;
        distinct += result.distinct;
        bytes += result.seen_set_bytes;
        cpu_ns += result.cpu_ns;
    }
    const auto of = [](auto count) { return static_cast<double>(count); };
    state.counters["generated/cpu_s"] = of(generated) * 1e9 / of(std::max<std::int64_t>(cpu_ns, 1));
    state.counters["distinct/cpu_s"] = of(distinct) * 1e9 / of(std::max<std::int64_t>(cpu_ns, 1));
    state.counters["distinct"] = of(distinct) / of(state.iterations());
    state.counters["bytes_per_state"] = of(bytes) / of(std::max<std::uint64_t>(distinct, 1));
}

std::vector<std::string> family(int replicas, int log_size, int max_records, int max_leader_epoch) {
    return {"Replicas=" + std::to_string(replicas), "LogSize=" + std::to_string(log_size),
            "MaxRecords=" + std::to_string(max_records),
            "MaxLeaderEpoch=" + std::to_string(max_leader_epoch)};
}

void register_searches() {
    const Search searches[] = {
        {"Kip320/3/2/2/2", kip320_model, family(3, 2, 2, 2)},
        {"Kip320/3/2/2/2/workers:2", kip320_model, family(3, 2, 2, 2), 2},
        {"Kip320/3/2/2/2/symmetry", kip320_model, family(3, 2, 2, 2), 1, true},
        {"Kip279/3/1/1/2", kip279_model, family(3, 1, 1, 2)},
        {"KafkaTruncateToHighWatermark/3/1/1/2", kafka_truncate_to_high_watermark_model,
         family(3, 1, 1, 2)},
        {"Kip320FirstTry/3/1/1/2", kip320_first_try_model, family(3, 1, 1, 2)},
        {"TwoPhase/6", two_phase_model, {"RM=6"}},
        {"TwoPhase/7", two_phase_model, {"RM=7"}},
        {"TwoPhase/8", two_phase_model, {"RM=8"}},
        {"EWD840/6", ewd840_model, {"N=6"}},
        {"EWD840/7", ewd840_model, {"N=7"}},
        {"consumer_groups/1_topic",
         consumer_group_protocol_model,
         {"TopicCount=1", "MaxPerturbations=0"}},
        {"kafka_replication_v3_5/2_brokers",
         kraft_replication_model,
         {"BrokerCount=2", "InitReplicationFactor=2", "MinISR=1", "InitIsrSize=1",
          "FenceBrokerLimit=0", "UncleanShutdownLimit=1"}},
    };
    for (const Search& what : searches) {
        benchmark::RegisterBenchmark(("search/" + what.name).c_str(), search_all, what)
            ->Unit(benchmark::kMillisecond)
            ->MeasureProcessCPUTime()
            ->UseRealTime();
    }
}

// --- the seen set alone -------------------------------------------------------------------------

// Every digest four times, the repetitions a good way behind.
const std::vector<Digest128>& stream(std::size_t distinct) {
    static std::vector<Digest128> digests;
    static std::size_t made_for = 0;
    if (made_for == distinct) return digests;
    made_for = distinct;
    digests.clear();
    Prng prng{distinct};
    std::vector<Digest128> known;
    for (std::size_t i = 0; i < 4 * distinct; ++i) {
        if (i % 4 == 0) {
            const std::uint64_t high = prng.next();
            known.push_back({high, prng.next()});
            digests.push_back(known.back());
        } else {
            digests.push_back(known[prng.below(known.size())]);
        }
    }
    return digests;
}

struct HashOfDigest {
    std::size_t operator()(const Digest128& digest) const { return digest.high; }
};

// A sorted array, grown by whole runs: one by one, each insertion would move half of it.
class SortedRuns {
  public:
    bool insert(const Digest128& digest) {
        if (old_.find(digest) != old_.end() || !young_.insert(digest).second) return false;
        if (young_.size() < 1'000 + old_.size() / 64) return true;
        old_.insert(boost::container::ordered_unique_range, young_.begin(), young_.end());
        young_.clear();
        return true;
    }
    std::size_t size() const { return old_.size() + young_.size(); }

  private:
    boost::container::flat_set<Digest128> old_;
    std::set<Digest128> young_;
};

bool is_new(SeenSet& set, const Digest128& digest) { return set.insert(digest); }
bool is_new(SortedRuns& set, const Digest128& digest) { return set.insert(digest); }
template <class Set>
bool is_new(Set& set, const Digest128& digest) {
    return set.insert(digest).second;
}

std::uint64_t heap_bytes() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
// Pages come from the system, everything else from the heap.
std::uint64_t bytes_of(const SeenSet& set, std::uint64_t) { return set.bytes(); }
template <class Set>
std::uint64_t bytes_of(const Set&, std::uint64_t heap_before) {
    return heap_bytes() - heap_before;
}

template <class Set, class InsertAll>
void look_up(benchmark::State& state, InsertAll&& insert_all) {
    const auto distinct = static_cast<std::size_t>(state.range(0));
    const std::vector<Digest128>& digests = stream(distinct);
    std::uint64_t bytes = 0;
    for (auto _ : state) {
        const std::uint64_t before = heap_bytes();
        Set set;
        if (insert_all(set, digests) != distinct) state.SkipWithError("it has lost some");
        bytes = bytes_of(set, before);
    }
    state.counters["bytes_per_state"] = static_cast<double>(bytes) / static_cast<double>(distinct);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(digests.size()));
}

template <class Set>
void one_by_one(benchmark::State& state) {
    look_up<Set>(state, [](Set& set, const std::vector<Digest128>& digests) {
        std::size_t found = 0;
        for (const Digest128& digest : digests) found += is_new(set, digest) ? 1 : 0;
        return found;
    });
}

void in_batches(benchmark::State& state) {
    look_up<SeenSet>(state, [](SeenSet& set, const std::vector<Digest128>& digests) {
        constexpr std::size_t kBatch = 32;  // as in a search
        std::size_t found = 0;
        for (std::size_t i = 0; i < digests.size(); ++i) {
            if (i + kBatch < digests.size()) set.prefetch(digests[i + kBatch]);
            found += set.insert(digests[i]) ? 1 : 0;
        }
        return found;
    });
}

void register_sets() {
    const auto add = [](const char* name, void (*run)(benchmark::State&)) {
        benchmark::RegisterBenchmark((std::string("seen_set/") + name).c_str(), run)
            ->Arg(100'000)
            ->Arg(2'000'000)
            ->Unit(benchmark::kMillisecond);
    };
    add("batches", in_batches);
    add("one_by_one", one_by_one<SeenSet>);
    add("std::unordered_set", one_by_one<std::unordered_set<Digest128, HashOfDigest>>);
    add("boost::unordered_set", one_by_one<boost::unordered_set<Digest128, HashOfDigest>>);
    add("std::set", one_by_one<std::set<Digest128>>);
    add("boost::flat_set_and_runs", one_by_one<SortedRuns>);
}

[[maybe_unused]] const bool registered = [] {
    register_searches();
    register_sets();
    return true;
}();

}  // namespace
}  // namespace tribunal
