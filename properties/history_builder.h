// Histories for the tests of the checkers: clean ones, in which no promise is broken, and messy
// ones, in which anything may be. Test support; nothing else may use it.
#pragma once

#include <cstdint>
#include <vector>

#include "properties/facts.h"
#include "properties/history.h"

namespace tribunal {

// All that judge() is given.
struct RunLeftover {
    History history;
    std::vector<FinalLog> logs;
    RunFacts facts;
};

struct CleanOptions {
    std::uint32_t partitions = 2;
    std::uint32_t producers = 3;
    std::uint32_t consumers = 2;
    std::uint32_t sends = 120;
    std::int8_t acks = -1;
    bool idempotent = true;
    bool holes = true;               // some offsets hold no record, as control batches make them
    bool end_offsets = true;         // consumers ask for the latest offset now and then
    std::uint32_t poll_records = 5;  // at most
};
// A run against a perfect cluster: the log's order is the order of the calls, every send is
// acknowledged with its offset, and every consumer reads every record of every partition.
RunLeftover clean_run(std::uint64_t seed, const CleanOptions& options = {});

// One step of a small run a word; every word sequence is a history that keeps the format's rules
// and no others. Leaving words out leaves a history, so it shrinks.
RunLeftover messy_run(const std::vector<std::uint32_t>& words);

// Edits for planting anomalies.
//
// Two records exchange their places: in the log, in what was acknowledged and in what was read.
void swap_records(RunLeftover& run, TopicPartition partition, Offset a, Offset b);
// Removes the r-th record of a poll, or puts one before it.
void erase_read(RunLeftover& run, std::size_t poll, std::uint32_t r);
void insert_read(RunLeftover& run, std::size_t poll, std::uint32_t r, Offset offset, RecordUid uid);
void erase_from_log(RunLeftover& run, TopicPartition partition, RecordUid uid);
FinalLog& log_of(RunLeftover& run, TopicPartition partition);
PartitionFacts& facts_of(RunLeftover& run, TopicPartition partition);
SendOp& send_of(RunLeftover& run, RecordUid uid);

}  // namespace tribunal
