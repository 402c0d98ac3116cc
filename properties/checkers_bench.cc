// How fast is the judge? A million sends and a million reads of a clean run, 16 partitions, all
// checkers; items per second are records sent plus records read.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "properties/history_builder.h"
#include "properties/property.h"

namespace tribunal {
namespace {

void judge_a_clean_run(benchmark::State& state) {
    CleanOptions options;
    options.sends = 1'000'000;
    options.producers = 8;
    options.consumers = 1;
    options.partitions = 16;
    options.poll_records = 500;
    const RunLeftover run = clean_run(1, options);
    for (auto _ : state) {
        benchmark::DoNotOptimize(judge(run.history, run.logs, run.facts));
    }
    state.SetItemsProcessed(state.iterations() *
                            static_cast<std::int64_t>(options.sends + run.history.reads.size()));
}
BENCHMARK(judge_a_clean_run)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tribunal
