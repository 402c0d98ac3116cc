// S6 and S9, which need what consumers were given: whoever reads what no cleaner has touched yet is
// given all of it, and whoever is told OFFSET_OUT_OF_RANGE goes on where auto.offset.reset says.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include "properties/storage_state.h"
#include "properties/wording.h"

namespace tribunal {

namespace {

using Place = std::pair<TopicPartition, std::uint16_t>;  // of a process in a partition

// A consumer's way through one partition.
struct Reader {
    const PollOp* before = nullptr;
    Offset last;
};

// When the client itself moved the position.
std::map<Place, std::vector<Instant>> resets_of(const History& history) {
    std::map<Place, std::vector<Instant>> resets;
    for (const ClientOp& op : history.operations) {
        if (op.kind == ClientOpKind::reset || op.kind == ClientOpKind::truncation) {
            resets[{op.partition, op.process}].push_back(op.invoked);
        }
    }
    return resets;
}

bool is_any_between(const std::vector<Instant>& instants, Instant from, Instant to) {
    const auto it = std::lower_bound(instants.begin(), instants.end(), from);
    return it != instants.end() && *it <= to;
}

std::string_view name_of(OffsetReset policy) {
    switch (policy) {
        case OffsetReset::earliest:
            return "earliest";
        case OffsetReset::latest:
            return "latest";
        case OffsetReset::none:
            break;
    }
    return "none";
}

}  // namespace

// S6. Committed records of compacted partitions that a reader passed before any cleaner had taken
// them.
void StorageMonitor::judge_full_head(const History& history, std::vector<Finding>& found,
                                     std::uint64_t& checked) const {
    std::map<Place, Reader> readers;
    std::map<Place, std::vector<Instant>> resets;
    for (const PollOp& poll : history.polls) {
        const PartitionState* p = seen(poll.partition);
        if (p == nullptr || !p->compacts || poll.records == 0) continue;
        if (readers.empty()) resets = resets_of(history);
        const Place place{poll.partition, poll.process};
        Reader& reader = readers[place];
        const bool goes_on = reader.before != nullptr &&
                             reader.before->assignment == poll.assignment &&
                             !is_any_between(resets[place], reader.before->invoked, poll.completed);
        Offset low = goes_on ? reader.last : poll.position + -1;
        for (std::uint32_t i = 0; i < poll.records; ++i) {
            const ReadRecord& read = history.reads[poll.first_record + i];
            const Offset high = poll.base_offset + static_cast<std::int32_t>(read.offset_delta);
            ++checked;
            for (auto it = std::upper_bound(p->records.begin(), p->records.end(), low);
                 it != p->records.end() && *it < high; ++it) {
                const auto removed = p->removed.find(*it);
                if (removed != p->removed.end() && removed->second <= poll.completed) continue;
                found.push_back(
                    {Rule::s6, Excuse::lost_data, poll.completed, poll.partition, *it, kNoNode,
                     fmt::format("{}: {} read on to {} and was not given it, though no cleaner had "
                                 "removed it",
                                 place_text(p->name, *it),
                                 client_of_process_text(history, poll.process), high.value)});
            }
            low = std::max(low, high);
        }
        reader = {&poll, low};
    }
}

// S9. Out of range means below the log start or above the log end; the first poll after it begins
// where a look-up of the policy's kind said.
void StorageMonitor::judge_resets(const History& history, std::vector<Finding>& found,
                                  std::uint64_t& checked) const {
    for (std::size_t n = 0; n < out_of_range_.size(); ++n) {
        const OutOfRange& told = out_of_range_[n];
        const PartitionState* p = seen(told.partition);
        if (p == nullptr) continue;
        ++checked;
        const std::string reader = client_of_process_text(history, told.process);
        const auto find = [&](Instant at, Offset offset, std::string what) {
            found.push_back({Rule::s9, Excuse::nothing, at, told.partition, offset, kNoNode,
                             fmt::format("{}: {} {}", place_text(p->name, offset), reader, what)});
        };
        if (told.position >= told.log_start_offset && told.position <= told.log_end_offset) {
            find(told.at, told.position,
                 fmt::format("was told OFFSET_OUT_OF_RANGE by a log from {} to {}",
                             told.log_start_offset.value, told.log_end_offset.value));
        }
        const auto is_its = [&](const auto& operation) {
            return operation.process == told.process && operation.partition == told.partition;
        };
        const auto next = std::find_if(
            history.polls.begin(), history.polls.end(),
            [&](const PollOp& poll) { return is_its(poll) && poll.completed > told.at; });
        if (next == history.polls.end()) continue;
        const OffsetReset policy =
            history.clients[history.processes[told.process].client].auto_offset_reset;
        const ClientOpKind look_up = policy == OffsetReset::earliest
                                         ? ClientOpKind::list_offsets_earliest
                                         : ClientOpKind::list_offsets_latest;
        const bool was_answered = std::any_of(
            history.operations.begin(), history.operations.end(), [&](const ClientOp& op) {
                if (!is_its(op) || op.invoked < told.at) return false;
                // A seek goes where it likes.
                if (op.kind == ClientOpKind::seek || op.kind == ClientOpKind::assign) return true;
                return policy != OffsetReset::none && op.kind == look_up &&
                       op.completed <= next->completed && op.offset == next->position;
            });
        if (was_answered) continue;
        find(next->completed, next->position,
             fmt::format("went on here after OFFSET_OUT_OF_RANGE at {}, and no look-up of "
                         "auto.offset.reset={} had said so",
                         told.position.value, name_of(policy)));
    }
}

}  // namespace tribunal
