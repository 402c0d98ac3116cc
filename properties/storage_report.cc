// How the storage monitor's findings become verdicts and sentences.
#include <utility>

#include <fmt/format.h>
#include "properties/storage_state.h"
#include "properties/tally.h"
#include "properties/wording.h"

namespace tribunal {

namespace {

struct RuleText {
    const char* id;
    const char* rule;     // what makes it illegal
    const char* vacuous;  // why it was never exercised
};
constexpr std::array<RuleText, StorageMonitor::kRules> kTexts{{
    {"S1", "an offset, once committed, names one record for good", "nothing was committed"},
    {"S2", "compaction removes records; it moves none and changes none", "nothing was compacted"},
    {"S3", "compaction keeps the last committed record of every key",
     "no record of a key was compacted"},
    {"S4", "a tombstone stays for delete.retention.ms after it was first met by the cleaner",
     "no tombstone was forgotten"},
    {"S5", "the active segment and what is younger than min.compaction.lag.ms are never compacted",
     "nothing was compacted"},
    {"S6", "a consumer that reads what is not compacted yet is given every record of it",
     "no consumer read a compacted partition"},
    {"S7",
     "the oldest segments go when they are too old, too much or below the log start, only then, "
     "and "
     "with the next look",
     "no segment was due for deletion, and none was deleted"},
    {"S8",
     "the log start only rises, is the first offset that can be read, and DeleteRecords is "
     "answered when the whole ISR has let go",
     "no log start moved"},
    {"S9",
     "OFFSET_OUT_OF_RANGE means below the log start or above the log end, and auto.offset.reset "
     "decides what follows",
     "no consumer was told OFFSET_OUT_OF_RANGE"},
    {"S10", "a transaction marker stays as long as its transaction has data in the log",
     "no transaction was compacted"},
    {"S11", "a log is found as a prefix of what was written, of intact batches",
     "no broker started again"},
    {"S12", "what is known of producers after a restart is what the log says",
     "no producer had a sequence where it was checked"},
    {"S13", "the leader epoch cache says of every offset the epoch that its batch has",
     "no leader epoch was cached"},
    {"S14", "checkpoints lie inside the log: recovery point, high watermark, log start, cleaner",
     "no replica was seen"},
    {"S15", "what was flushed, or was answered as flushed, survives a power loss",
     "nothing that was flushed went through a crash"},
}};

}  // namespace

void StorageMonitor::add_to(std::vector<PartitionFacts>& facts) const {
    for (PartitionFacts& f : facts) {
        const PartitionState* p = seen(f.partition);
        if (p == nullptr) continue;
        f.compacted.clear();
        for (const auto& [offset, at] : p->removed) f.compacted.push_back({offset, at});
    }
}

// Why a finding is nobody's fault; empty when it is somebody's.
std::string StorageMonitor::excuse_of(const Finding& f, const RunFacts& facts) const {
    if (f.excuse == Excuse::nothing) return {};
    if (f.excuse == Excuse::moved_clock) {
        if (clock_moves_.empty() || clock_moves_.front() > f.at) return {};
        return fmt::format("a wall clock was moved at {}, and times are what it says",
                           seconds_text(clock_moves_.front()));
    }
    const PartitionFacts* of = facts.find(f.partition);
    if (of == nullptr) return {};
    const bool has_lost_metadata = of->metadata_lost_at <= f.at;
    const auto lost_metadata = [&] {
        return fmt::format("controllers had lost their disks, and committed metadata, by {}",
                           seconds_text(of->metadata_lost_at));
    };
    if (f.excuse == Excuse::lost_metadata) return has_lost_metadata ? lost_metadata() : "";
    if (of->corrupted_disk) return "a disk of the partition returned wrong bytes";
    if (f.excuse == Excuse::bad_disk) return {};
    if (!of->unclean_elections.empty() && of->unclean_elections.front() <= f.at) {
        return fmt::format("an unclean election gave up committed records at {}",
                           seconds_text(of->unclean_elections.front()));
    }
    if (of->budget_exhausted_at <= f.at) {
        return fmt::format("every in-sync replica had lost unsynced data by {}",
                           seconds_text(of->budget_exhausted_at));
    }
    if (has_lost_metadata) return lost_metadata();
    return {};
}

std::vector<Check> StorageMonitor::finish(const History& history, const RunFacts& facts) const {
    std::vector<Finding> all = findings_;
    std::array<std::uint64_t, kRules> checked = checked_;
    judge_full_head(history, all, checked[static_cast<std::size_t>(Rule::s6)]);
    judge_resets(history, all, checked[static_cast<std::size_t>(Rule::s9)]);
    std::vector<Check> checks;
    for (std::size_t rule = 0; rule < kRules; ++rule) {
        Tally tally{kTexts[rule].id};
        tally.exercise(checked[rule]);
        for (const Finding& f : all) {
            if (static_cast<std::size_t>(f.rule) != rule) continue;
            const std::string excuse = excuse_of(f, facts);
            tally.violate(!excuse.empty(), [&] {
                Violation v;
                v.summary = f.summary;
                v.at = f.at;
                v.partition = f.partition;
                v.has_partition = true;
                v.offset = f.offset;
                v.because = excuse.empty() ? kTexts[rule].rule : excuse;
                v.explanation.push_back(f.summary + ".");
                v.explanation.insert(v.explanation.end(), f.explanation.begin(),
                                     f.explanation.end());
                v.explanation.push_back(
                    excuse.empty() ? fmt::format("But {}: a contradiction.", kTexts[rule].rule)
                                   : fmt::format("Nothing else was promised: {}.", excuse));
                v.witnesses.push_back({f.at, f.summary});
                if (f.node != kNoNode) v.nodes.push_back(f.node);
                return v;
            });
        }
        checks.push_back(std::move(tally).finish(kTexts[rule].vacuous));
    }
    return checks;
}

}  // namespace tribunal
