#include "properties/property.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "broker/base/check.h"
#include "properties/checkers.h"
#include "properties/nearest.h"

namespace tribunal {
namespace {

constexpr std::string_view kDurable = "DURABLE";
constexpr std::string_view kOrder = "ORDER";
constexpr std::string_view kEos = "EOS";
constexpr std::string_view kReplication = "REPLICATION";
constexpr std::string_view kQuorum = "QUORUM";
constexpr std::string_view kStorage = "STORAGE";
constexpr std::string_view kLive = "LIVE";

// Sources: Jepsen is its Kafka workload (jepsen.tests.kafka); KIP-966 and KIP-996 are Vanlightly's
// specifications of them; Hachikuji's is the specification of Kafka's replication.
constexpr Property kProperties[] = {
    {"D1", "lost-write", kDurable,
     "a record was acknowledged, consumers read past its offset, and no poll ever returned it",
     "Jepsen: lost-write"},
    {"D2", "acked-lost", kDurable,
     "a record was acknowledged and the leader's log at the end does not have it",
     "KIP-966: LeaderCompleteness"},
    {"D3", "unseen", kDurable,
     "a record was acknowledged and nobody read as far as its offset (never a failure by itself)",
     "Jepsen: unseen"},
    {"D4", "lost-after-read", kDurable,
     "a poll returned a record and the leader's log has another one there later, or none",
     "KIP-966: ConsistentRead; Kafka: replication"},
    {"D5", "resurrected-record", kDurable,
     "a record was truncated from the committed log and came back without being sent again", "own",
     true},
    {"D8", "lost-metadata", kDurable,
     "the creation of a topic was acknowledged, nobody deleted it, and it is not there", "KIP-996",
     true},
    {"D9", "healthy-loss", kDurable,
     "an acknowledged record is gone, or was passed over, in a run without any fault",
     "Jepsen: Bufstream 0.1.0"},
    {"D10", "phantom-read", kDurable, "a poll returned a record that nobody sent to that partition",
     "Redpanda chaos: read unknown message"},
    {"D11", "corrupted-read", kDurable,
     "a poll returned a record whose key, value or headers differ from what was sent",
     "kgo-verifier"},

    {"O1", "inconsistent-offsets", kOrder,
     "one offset was acknowledged for, or read as, two different records",
     "Jepsen: inconsistent-offsets"},
    {"O2", "nonmonotonic-send", kOrder,
     "a producer sent B after A was acknowledged, and B stands before A or at its offset",
     "Jepsen: nonmonotonic-send"},
    {"O3", "int-nonmonotonic-send", kOrder,
     "a producer called send A, then B, both were under way, and B stands before A",
     "Jepsen: int-nonmonotonic-send"},
    {"O5", "int-nonmonotonic-poll", kOrder,
     "inside one poll an offset follows that is not higher than the one before",
     "Jepsen: int-nonmonotonic-poll"},
    {"O6", "int-poll-skip", kOrder, "inside one poll a record that exists is passed over",
     "Jepsen: int-poll-skip"},
    {"O7", "nonmonotonic-poll", kOrder,
     "a poll begins at or before the last offset of the previous one, nobody having sought",
     "Jepsen: nonmonotonic-poll"},
    {"O8", "poll-skip", kOrder,
     "between two polls a record that exists is passed over, nobody having sought",
     "Jepsen: poll-skip"},
    {"O9", "append-order", kOrder,
     "B was sent by another producer after A was acknowledged, and B stands before A or at its "
     "offset",
     "Redpanda chaos; KIP-966"},
    {"O10", "stale-end-offset", kOrder,
     "the latest offset does not cover a record acknowledged with acks=all before, or went back",
     "KIP-207; KIP-966"},
    {"O13", "sequence-gap", kOrder,
     "an idempotent producer's batches stand in the log with a gap in their sequence numbers",
     "own; KIP-98"},

    {"X1", "duplicate", kEos, "a record that was sent once stands at two places of the logs",
     "Jepsen: duplicate"},
    {"X2", "duplicate-nonzero", kEos,
     "a record was acknowledged or read at two places, neither of them offset 0",
     "Jepsen: duplicate; Jepsen: Bufstream 0.1.0"},
    {"X3", "wrong-ack-offset", kEos,
     "a producer was told an offset for a record that the log has elsewhere",
     "Redpanda chaos; kgo-verifier; Jepsen: Bufstream 0.1.0"},

    {"R1", "leader-completeness", kReplication,
     "a leader lacks a committed record or one acknowledged with acks=all",
     "KIP-966: LeaderCompleteness", true},
    {"R2", "candidate-completeness", kReplication,
     "a running replica that may be elected cleanly does not reach the committed end",
     "KIP-966: CandidateCompleteness", true},
    {"R3", "log-matching", kReplication,
     "two replicas differ at an offset below both their high watermarks", "KIP-101; KIP-279", true},
    {"R4", "maximal-isr", kReplication,
     "a leader's maximal ISR lacks a member of the controller's ISR",
     "KIP-497; KIP-966: ReplicationQuorumSuperset", true},
    {"R5", "weak-isr", kReplication,
     "a record below a leader's high watermark is missing on a member of the ISR that it knows",
     "Hachikuji: WeakIsr", true},
    {"R6", "strong-isr", kReplication,
     "a record below a leader's high watermark is missing on a member of the controller's ISR",
     "Hachikuji: StrongIsr", true},
    {"R7", "leader-in-isr", kReplication, "the controller's leader is not in its ISR", "Hachikuji",
     true},
    {"R8", "one-leader-per-epoch", kReplication, "two replicas led in one leader epoch",
     "Raft: election safety", true},
    {"R9", "leader-epoch-monotone", kReplication,
     "a leader epoch went back: at the controller, at a replica or along a log", "KIP-101", true},
    {"R10", "exposed-high-watermark-monotone", kReplication,
     "a high watermark that clients have seen went back", "KIP-207; KIP-966", true},
    {"R11", "high-watermark-bounds", kReplication,
     "a high watermark is below the log start or beyond the log end", "own", true},
    {"R12", "high-watermark-advance", kReplication,
     "a high watermark moved past what a counted replica had fetched, or with too few in sync",
     "KIP-966", true},
    {"R13", "isr-join", kReplication,
     "a leader asked to add a replica to the ISR that was behind, fenced or of an earlier life",
     "KIP-966; KAFKA-7128; KIP-903", true},
    {"R14", "unclean-exclusion", kReplication,
     "a replica that lost data in a crash could be elected before it had caught up", "KIP-966",
     true},
    {"R15", "eligible-replicas-well-formed", kReplication,
     "eligible leader replicas overlap the ISR or stand beside a full one, or a fenced broker is "
     "in the ISR",
     "KIP-966; KIP-841", true},
    {"R16", "no-global-loss", kReplication, "a committed record is in no replica's log", "KIP-966",
     true},
    {"R17", "truncation-safety", kReplication,
     "a follower truncated a committed record, or a leader truncated its log",
     "KIP-101; KIP-279; KIP-320", true},
    {"R18", "one-fetcher", kReplication,
     "a leader has a fetcher for its partition, or a follower none, several or a wrong one",
     "KIP-966: ValidFetcherState", true},
    {"R19", "equal-replicas", kReplication, "replicas of a cluster at rest differ",
     "TigerBeetle: replica equality", true},
    {"R20", "recovery-candidates", kReplication,
     "nobody is in sync or eligible and nobody is known who was last", "KIP-966", true},
    {"R21", "follower-reads", kReplication,
     "a follower gave a consumer a record that is not committed", "KIP-392", true},

    {"Q1", "election-safety", kQuorum, "two nodes name different leaders of one quorum epoch",
     "KIP-595; KIP-996; Raft: election safety", true},
    {"Q2", "epoch-monotone", kQuorum, "the quorum epoch that a controller has on disk went back",
     "KIP-595; Raft", true},
    {"Q3", "vote-once", kQuorum, "a voter voted for two candidates in one epoch", "KIP-595; Raft",
     true},
    {"Q4", "leader-append-only", kQuorum,
     "the leader of the metadata log dropped or replaced a record in its own epoch",
     "KAFKA-10527; Raft: leader append-only", true},
    {"Q5", "quorum-log-matching", kQuorum,
     "two metadata logs differ where they are of one epoch, or below a high watermark",
     "KIP-595; Raft: log matching", true},
    {"Q6", "quorum-leader-completeness", kQuorum,
     "a new leader of the quorum lacks a committed record", "KAFKA-12619; Raft", true},
    {"Q7", "metadata-durability", kQuorum, "no voter has a committed metadata record",
     "KAFKA-10533; KIP-996", true},
    {"Q8", "majority-reached-high-watermark", kQuorum,
     "a committed metadata record is on fewer than a majority of the voters",
     "Kafka: MajorityReachedHighWatermark", true},
    {"Q9", "quorum-high-watermark-monotone", kQuorum,
     "the high watermark that leaders of the quorum show went back",
     "Kafka: MonotonicHighWatermark", true},
    {"Q10", "snapshot-sanity", kQuorum,
     "a snapshot of what is not committed, or a log that begins where no snapshot ends", "KIP-630",
     true},
    {"Q12", "quorum-role-legality", kQuorum,
     "a role that contradicts the disk, a candidate that is no voter, an exception of Kafka's",
     "KIP-996; KAFKA-17067; KAFKA-12460", true},
    {"Q13", "reconfiguration-safety", kQuorum,
     "voters changed by more than one or twice at once, or without the id of a directory",
     "KIP-853; KAFKA-16538", true},

    {"Q11", "one-metadata-log", kQuorum,
     "two nodes have different metadata at one committed offset of the metadata log",
     "Raft: state machine safety", true},
    {"Q14", "zombie-controller", kQuorum,
     "a controller committed metadata that does not lead the newest epoch of the quorum", "KIP-966",
     true},
    {"Q15", "partition-epoch", kQuorum,
     "an ISR was changed for a leader that meant another partition epoch", "KIP-497", true},
    {"Q16", "broker-epoch", kQuorum,
     "a broker had two lives at a time, or an earlier one was granted what it asked for",
     "KIP-631; KIP-966", true},
    {"S1", "offset-never-reused", kStorage,
     "an offset that was committed names another record later", "Kafka: log", true},
    {"S2", "compaction-keeps-order", kStorage,
     "compaction moved or changed a record, or put one in", "Kafka: log compaction", true},
    {"S3", "last-value-kept", kStorage, "compaction removed the last committed record of a key",
     "Kafka: log compaction; KAFKA-13194", true},
    {"S4", "tombstone-visible", kStorage,
     "compaction forgot a tombstone before delete.retention.ms was over", "KIP-534", true},
    {"S5", "compaction-lag", kStorage,
     "compaction touched the active segment or what is younger than min.compaction.lag.ms",
     "KIP-58", true},
    {"S6", "full-head-read", kStorage,
     "a consumer was not given a record that no cleaner had removed", "Kafka: log compaction",
     true},
    {"S7", "retention-bound", kStorage,
     "retention deleted a segment too early, or looked and left one that was due",
     "Kafka: retention.ms", true},
    {"S8", "log-start-monotone", kStorage,
     "a log start went back, or DeleteRecords was answered before the ISR had let go", "KIP-107",
     true},
    {"S9", "out-of-range-reset", kStorage,
     "a consumer was told OFFSET_OUT_OF_RANGE inside the log, or went on elsewhere than its policy "
     "says",
     "Kafka: auto.offset.reset", true},
    {"S10", "markers-in-compaction", kStorage,
     "compaction removed a transaction marker and left data of its transaction",
     "KIP-98; KAFKA-14055", true},
    {"S11", "recovery-is-prefix", kStorage,
     "a broker came back with a log that is no prefix of what it had written", "own", true},
    {"S12", "producer-state-rebuilt", kStorage,
     "a replica knows another sequence of a producer than its log says", "KIP-98", true},
    {"S13", "epoch-cache-matches-log", kStorage, "the leader epoch cache contradicts the batches",
     "KIP-101; KAFKA-10706", true},
    {"S14", "checkpoint-sanity", kStorage, "a checkpoint lies outside of what the log has or had",
     "own", true},
    {"S15", "fsync-ledger", kStorage,
     "what was flushed is gone after a crash, or was answered before it was flushed",
     "KIP-966; own", true},

    {"L2", "stuck-consumer", kLive,
     "in a healed cluster a consumer stands before the end of a partition and does not move",
     "Jepsen: Bufstream 0.1.0"},
    {"L3", "unanswered-send", kLive,
     "in a healed cluster a send is neither acknowledged nor refused nor timed out",
     "KIP-966: EventuallyWriteIsAcceptedOrRejected"},
    {"L5", "stale-image", kLive,
     "in a healed cluster a live broker's metadata is behind the controller's",
     "KIP-966: metadata convergence"},
    {"L9", "leaderless", kLive, "in a healed cluster a partition has no leader",
     "KIP-996: EventuallyLeaderElected"},
};

using Checker = Check (*)(const Evidence&);
constexpr std::pair<std::string_view, Checker> kCheckers[] = {
    {"D1", check_lost_write},
    {"D2", check_acked_lost},
    {"D3", check_unseen},
    {"D4", check_lost_after_read},
    {"D9", check_healthy_loss},
    {"D10", check_phantom_read},
    {"D11", check_corrupted_read},
    {"O1", check_inconsistent_offsets},
    {"O2", check_nonmonotonic_send},
    {"O3", check_int_nonmonotonic_send},
    {"O5", check_int_nonmonotonic_poll},
    {"O6", check_int_poll_skip},
    {"O7", check_nonmonotonic_poll},
    {"O8", check_poll_skip},
    {"O9", check_append_order},
    {"O10", check_stale_end_offset},
    {"O13", check_sequence_gap},
    {"X1", check_duplicate},
    {"X2", check_duplicate_nonzero},
    {"X3", check_wrong_ack_offset},
    {"L2", check_stuck_consumer},
    {"L3", check_unanswered_send},
    {"L5", check_stale_image},
    {"L9", check_leaderless},
};

Checker checker_of(std::string_view id) {
    for (const auto& [of, checker] : kCheckers) {
        if (of == id) return checker;
    }
    return nullptr;
}

bool is_same_word(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_listed(const Property& property, const std::vector<std::string>& words) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        return is_same_word(word, property.id) || is_same_word(word, property.name);
    });
}

bool is_wanted(const Property& property, const JudgeOptions& options) {
    return (options.only.empty() || is_listed(property, options.only)) &&
           !is_listed(property, options.skip);
}

Check blank(const Property& property, Verdict verdict, std::string note) {
    Check check;
    check.id = property.id;
    check.name = property.name;
    check.group = property.group;
    check.verdict = verdict;
    check.note = std::move(note);
    return check;
}

// Whatever a checker throws stays its own trouble.
template <class Run>
Check guarded(const Property& property, Run&& run) {
    try {
        return run();
    } catch (const std::exception& error) {
        return blank(property, Verdict::inconclusive,
                     fmt::format("the checker itself failed: {}", error.what()));
    } catch (...) {
        return blank(property, Verdict::inconclusive, "the checker itself failed");
    }
}

// A property that a monitor watched and a checker judged at the end (D4): both see the same
// losses, so a record counts once, by partition, offset and uid. For one that both found the
// monitor's word counts: it saw the moment. When there are more findings than either kept, the
// counts are lower bounds.
Check merge(Check at_end, Check monitored) {
    const auto key_of = [](const Violation& v) { return std::tuple{v.partition, v.offset, v.uid}; };
    const bool kept_all =
        at_end.found == at_end.violations.size() && monitored.found == monitored.violations.size();
    std::vector<Violation> all;
    const auto add = [&](std::vector<Violation>& from) {
        for (Violation& violation : from) {
            const bool is_known = std::any_of(all.begin(), all.end(), [&](const Violation& v) {
                return key_of(v) == key_of(violation);
            });
            if (!is_known) all.push_back(std::move(violation));
        }
    };
    const std::uint64_t illegal_at_end = at_end.found - at_end.found_allowed;
    add(monitored.violations);
    add(at_end.violations);
    std::uint64_t illegal = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].allowed) continue;
        // Allowed ones come last; both kinds keep their order.
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(illegal++);
        const auto it = all.begin() + static_cast<std::ptrdiff_t>(i);
        std::rotate(begin, it, it + 1);
    }
    std::uint64_t found = all.size();
    if (!kept_all) {
        found = std::max(found, at_end.found);
        illegal = std::min(found, std::max(illegal, illegal_at_end));
    }

    Check check = std::move(at_end);
    check.checked = std::max(check.checked, monitored.checked);
    check.found = found;
    check.found_allowed = found - illegal;
    all.resize(std::min(all.size(), Check::kMaxWitnessed));
    check.violations = std::move(all);
    const bool is_open =
        check.verdict == Verdict::inconclusive || monitored.verdict == Verdict::inconclusive;
    if (illegal > 0) {
        check.verdict = Verdict::fail;
    } else if (is_open) {
        if (check.verdict != Verdict::inconclusive) check.note = monitored.note;
        check.verdict = Verdict::inconclusive;
    } else if (found > 0) {
        check.verdict = Verdict::allowed;
    } else if (check.checked > 0) {
        check.verdict = Verdict::pass;
        check.note.clear();
    }
    if (check.verdict == Verdict::fail || check.verdict == Verdict::allowed) {
        check.note = check.violations.front().summary;
    }
    return check;
}

}  // namespace

std::span<const Property> all_properties() { return kProperties; }

const Property* find_property(std::string_view id_or_name) {
    for (const Property& property : kProperties) {
        if (is_same_word(id_or_name, property.id) || is_same_word(id_or_name, property.name)) {
            return &property;
        }
    }
    return nullptr;
}

std::string_view nearest_property(std::string_view typo) {
    std::vector<std::string_view> words;
    for (const Property& property : kProperties) words.push_back(property.name);
    // Ids are two letters long: one wrong letter makes another id, so only a name can be meant.
    return nearest(typo, words);
}

std::vector<Check> judge(const History& history, const std::vector<FinalLog>& logs,
                         const RunFacts& facts, std::vector<Check> monitored,
                         const JudgeOptions& options) {
    // A history that cannot even be sorted leaves nothing to say for any checker; monitors still
    // can.
    std::optional<Evidence> evidence;
    std::string unreadable;
    try {
        evidence.emplace(history, logs, facts);
    } catch (const std::exception& error) {
        unreadable = fmt::format("the history cannot be read: {}", error.what());
    }
    const auto run = [&](const Property& property) {
        const Checker checker = checker_of(property.id);
        CHECK(checker != nullptr);
        if (!evidence) return blank(property, Verdict::inconclusive, unreadable);
        return checker(*evidence);
    };

    std::vector<Check> checks;
    std::vector<bool> is_placed(monitored.size());
    const auto take_monitored = [&](const Property& property) -> Check* {
        for (std::size_t i = 0; i < monitored.size(); ++i) {
            if (is_placed[i] || !is_same_word(monitored[i].id, property.id)) continue;
            is_placed[i] = true;
            return &monitored[i];
        }
        return nullptr;
    };
    for (const Property& property : kProperties) {
        Check* watched = take_monitored(property);
        if (!is_wanted(property, options)) continue;
        if (!property.is_monitored) {
            Check check = guarded(property, [&] { return run(property); });
            if (watched != nullptr) check = merge(std::move(check), std::move(*watched));
            checks.push_back(std::move(check));
        } else if (watched != nullptr) {
            watched->id = property.id;
            watched->name = property.name;
            watched->group = property.group;
            checks.push_back(std::move(*watched));
        } else {
            checks.push_back(blank(property, Verdict::vacuous, "no monitor watched the run"));
        }
    }
    for (std::size_t i = 0; i < monitored.size(); ++i) {
        if (!is_placed[i]) checks.push_back(std::move(monitored[i]));
    }
    return checks;
}

}  // namespace tribunal
