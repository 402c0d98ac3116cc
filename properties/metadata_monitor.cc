#include "properties/metadata_monitor.h"

#include <fmt/format.h>

#include <algorithm>

#include "properties/tally.h"
#include "properties/wording.h"

namespace tribunal {
namespace {

constexpr const char* kOneSequence =
    "What is committed is committed for good, and every node makes the same of it (Raft: state "
    "machine safety; KIP-595).";
constexpr const char* kNewestCommits =
    "Only the leader of the newest quorum epoch commits: one that lost the quorum unawares writes "
    "nothing (KIP-595, KIP-966).";
constexpr const char* kLost =
    "Fewer controllers than a majority had the whole metadata log left; from then on nothing is "
    "promised.";

std::int64_t partitions_of(const ClusterImage& image) {
    std::int64_t count = 1;
    for (const auto& [id, topic] : image.topics) {
        count += static_cast<std::int64_t>(topic->partitions.size());
    }
    return count;
}

// Until the step that it was seen in. A leader that is no voter any more leads until that is
// committed, and resigns by the same step (KIP-853).
bool has_led(const Raft& r) {
    return r.leader() != nullptr || (std::holds_alternative<RaftResigned>(r.role) && !is_voter(r));
}

}  // namespace

void MetadataMonitor::on_metadata_lost(Instant now) { lost_at_ = std::min(lost_at_, now); }

void MetadataMonitor::violate(Rule& rule, const char* id, Instant at, std::string summary,
                              std::string because, std::vector<NodeId> nodes) {
    ++rule.found;
    if (rule.violations.size() >= Check::kMaxWitnessed) return;
    Violation v;
    v.property = id;
    v.at = at;
    v.summary = std::move(summary);
    v.allowed = is_lost();
    v.because = is_lost() ? std::string(kLost) : because;
    v.explanation = {fmt::format("At {}: {}.", seconds_text(at), v.summary), std::move(because)};
    v.witnesses = {{at, v.summary}};
    v.nodes = std::move(nodes);
    rule.violations.push_back(std::move(v));
}

void MetadataMonitor::compare(Instant now, const Controller& c, Offset from, Offset until) {
    c.raft.log.for_each(from, std::min(until, end()), [&](Offset offset, const RaftRecord& r) {
        ++one_sequence_.checked;
        if (r == log_[static_cast<std::size_t>(offset.value)]) return;
        has_forked_ = true;
        violate(one_sequence_, "Q11", now,
                fmt::format("controller {} has another record committed at metadata offset {} "
                            "(epoch {}) than was committed there before (epoch {})",
                            c.id.value, offset.value, r.epoch.value,
                            log_[static_cast<std::size_t>(offset.value)].epoch.value),
                kOneSequence, {c.id});
    });
}

// Whether what it has committed from `from` on is the one sequence, as far as that is known.
bool MetadataMonitor::agrees(const Controller& c, Offset from) const {
    bool agrees = true;
    c.raft.log.for_each(from, std::min(c.committed(), end()), [&](Offset o, const RaftRecord& r) {
        agrees = agrees && r == log_[static_cast<std::size_t>(o.value)];
    });
    return agrees;
}

void MetadataMonitor::check_committer(Instant now, const Controller& c) {
    ++newest_commits_.checked;
    const bool leads = has_led(c.raft);
    if (leads && c.raft.epoch() >= newest_epoch_) {
        newest_epoch_ = c.raft.epoch();
        return;
    }
    // A follower hears of what is committed, and a fetch that was long under way tells an old
    // leader of what its majority had before there was a newer one; by itself neither commits
    // anything.
    if (c.committed() <= end() && agrees(c, seen_[c.id].committed)) return;
    violate(newest_commits_, "Q14", now,
            fmt::format("controller {} of quorum epoch {} committed the metadata below offset {}, "
                        "and {}",
                        c.id.value, c.raft.epoch().value, c.committed().value,
                        leads ? fmt::format("epoch {} had committed before", newest_epoch_.value)
                              : "does not lead"),
            kNewestCommits, {c.id});
}

std::span<const RaftRecord> MetadataMonitor::on_committed(Instant now, const Controller& c) {
    Seen& seen = seen_[c.id];
    const Offset committed = c.committed();
    // A controller that starts again begins from nothing; what it had it may not lose.
    if (committed < seen.committed) seen.committed = committed;
    if (committed == seen.committed) return {};
    check_committer(now, c);
    compare(now, c, seen.committed, committed);
    seen.committed = committed;
    if (committed <= end() || has_forked_) return {};
    const std::size_t before = log_.size();
    c.raft.log.for_each(end(), committed, [&](Offset, const RaftRecord& r) { log_.push_back(r); });
    for (auto& [node, other] : seen_) {
        other.changes += static_cast<std::int64_t>(log_.size() - before);
    }
    return std::span(log_).subspan(before);
}

void MetadataMonitor::on_misfit(Instant now, const Controller& c, const char* why) {
    has_forked_ = true;
    violate(one_sequence_, "Q11", now,
            fmt::format("controller {} has committed a record {}", c.id.value, why), kOneSequence,
            {c.id});
}

bool MetadataMonitor::is_whole(const Controller& c) const {
    if (c.raft.log.end_offset < end()) return false;
    // Logs that have one record of an offset and epoch have the same ones before it.
    const RaftRecord* last = c.raft.log.find(Offset{end().value - 1});
    return last == nullptr || *last == log_.back();
}

void MetadataMonitor::on_image(Instant now, NodeId node, const ClusterImage& image, Offset offset,
                               const ClusterImage& reference, bool always) {
    if (offset != end() || has_forked_) return;  // looked at when it is there, or not at all
    Seen& seen = seen_[node];
    // Comparing costs as much as there are partitions: about so many changes must lie between.
    if (!always && 4 * seen.changes < partitions_of(reference)) return;
    if (!always && seen.image == offset) return;
    seen.image = offset;
    seen.changes = 0;
    ++one_sequence_.checked;
    if (image == reference) return;
    violate(one_sequence_, "Q11", now,
            fmt::format("the image of node {} at metadata offset {} is not what the committed "
                        "records make",
                        node.value, offset.value),
            kOneSequence, {node});
}

void MetadataMonitor::on_controller_image(Instant now, const Controller& c,
                                          const ClusterImage& reference, bool always) {
    // A controller that starts again shows its snapshot, whatever it knows of the high watermark
    // (KafkaRaftClient.updateListenersProgress); snapshots are of what is committed (Q10).
    const Offset snapshot = c.raft.log.snapshot ? (*c.raft.log.snapshot)->id.end_offset : Offset{0};
    if (c.image_offset > std::max(c.committed(), snapshot)) {
        if (c.active) return;  // what it decides next rests on what it has appended
        violate(one_sequence_, "Q11", now,
                fmt::format("controller {} is not active and shows metadata up to offset {}, of "
                            "which {} are committed",
                            c.id.value, c.image_offset.value, c.committed().value),
                kOneSequence, {c.id});
        return;
    }
    on_image(now, c.id, c.image, c.image_offset, reference, always);
}

void MetadataMonitor::on_created(Instant now, TopicId topic, std::string name) {
    created_.emplace(topic, std::pair{now, std::move(name)});
}

void MetadataMonitor::on_deleted(TopicId topic) { created_.erase(topic); }

std::vector<Check> MetadataMonitor::finish(Instant end_of_run,
                                           const ClusterImage& reference) const {
    const auto check = [&](std::string_view id, const Rule& rule, std::string_view vacuous) {
        Tally tally(id);
        tally.exercise(rule.checked);
        for (const Violation& v : rule.violations) tally.violate(v.allowed, [&] { return v; });
        return std::move(tally).finish(vacuous);
    };
    std::vector<Check> checks;
    checks.push_back(check("Q11", one_sequence_, "no metadata was committed"));
    checks.push_back(check("Q14", newest_commits_, "no metadata was committed"));
    Tally lost("D8");
    lost.exercise(created_.size());
    for (const auto& [topic, created] : created_) {
        const auto& [at, name] = created;
        if (reference.topic(topic) != nullptr) continue;
        lost.violate(is_lost(), [&, when = at, what = name] {
            Violation v;
            v.at = end_of_run;
            v.summary = fmt::format(
                "topic {}: its creation was acknowledged at {}, nobody deleted "
                "it, and at {} it is not there",
                what, seconds_text(when), seconds_text(end_of_run));
            v.allowed = is_lost();
            v.because = is_lost() ? kLost
                                  : "An acknowledged change of metadata is on a majority of the "
                                    "controllers' disks (KIP-595).";
            v.explanation = {v.summary + ".", v.because};
            v.witnesses = {{when, fmt::format("the creation of topic {} is acknowledged", what)}};
            return v;
        });
    }
    checks.push_back(std::move(lost).finish("no topic was created"));
    return checks;
}

}  // namespace tribunal
