#include "properties/naive_replication.h"

#include <algorithm>
#include <set>

namespace tribunal {

namespace {

using Replica = NaiveReplication::Replica;
using State = NaiveReplication::State;
using Batches = std::vector<RecordBatch>;

bool same(const RecordBatch& a, const RecordBatch& b) {
    return a.base_offset == b.base_offset && a.last_offset_delta == b.last_offset_delta &&
           a.leader_epoch == b.leader_epoch && a.crc == b.crc;
}

Offset end_of(const Batches& committed, std::size_t count) {
    return count == 0 ? Offset{0} : committed[count - 1].next_offset();
}

// How many of the committed batches the replica has, or has deleted from the start, in order.
std::size_t matched(const Replica& r, const Batches& committed, Offset retained_from) {
    std::size_t m = 0;
    const Offset floor = std::max(r.log_start_offset, std::min(retained_from, r.log_end_offset));
    while (m < committed.size() && committed[m].last_offset() < floor) ++m;
    const Offset from = std::max(floor, end_of(committed, m));
    for (const RecordBatch& batch : r.batches) {
        if (batch.last_offset() < from) continue;
        if (m == committed.size() || !same(batch, committed[m])) break;
        ++m;
    }
    return m;
}

const RecordBatch* at(const Replica& r, Offset offset) {
    for (const RecordBatch& batch : r.batches) {
        if (batch.base_offset <= offset && offset <= batch.last_offset()) return &batch;
    }
    return nullptr;
}

bool has(const Replica& r, const RecordBatch& wanted) {
    return std::any_of(r.batches.begin(), r.batches.end(),
                       [&](const RecordBatch& batch) { return same(batch, wanted); });
}

bool holds(const RecordBatch* batch, Offset offset, RecordUid uid) {
    bool it_does = false;
    if (batch == nullptr) return false;
    for_each_record(*batch, [&](const RecordView& record) {
        it_does |= record.offset == offset && record.uid == uid;
    });
    return it_does;
}

const Replica* replica_of(const State& state, NodeId node) {
    for (const Replica& r : state.replicas) {
        if (r.node == node) return &r;
    }
    return nullptr;
}

bool contains_all(const FlatSet<NodeId>& nodes, const FlatSet<NodeId>& of) {
    return std::all_of(of.begin(), of.end(), [&](NodeId node) { return nodes.contains(node); });
}

// Some leader has it in its maximal ISR.
bool is_asked_for(const State& s, NodeId node) {
    return std::any_of(s.replicas.begin(), s.replicas.end(), [&](const Replica& r) {
        return r.running && r.is_leader && r.leader_epoch >= s.leader_epoch && r.maximal_isr &&
               r.maximal_isr->contains(node);
    });
}

struct Evaluation {
    std::map<std::string, NaiveReplication::Count> counts;
    Batches committed;
    Offset retained_from{0};
    std::vector<LeaderEpoch> excuses;
    std::optional<LeaderEpoch> pending;
    LeaderEpoch judged{-1};
    bool judged_now = false;
    bool exhausted = false;
    std::set<NodeId> candidates;     // when there last were any
    std::map<NodeId, Offset> lossy;  // where the log had ended
    std::set<NodeId> left_isr;
    std::map<LeaderEpoch, std::set<NodeId>> leaders;
    LeaderEpoch newest{-1};
    LeaderEpoch previous{-1};
    NodeId newest_leader = kNoNode;
    Offset term_high_watermark{0};
    bool fell_short = false;
    std::vector<NaiveReplication::Acknowledgement> acks;
    struct Gone {
        Offset offset;
        LeaderEpoch epoch;
        bool allowed = false;
        bool power_lost_since = false;
    };
    std::map<RecordUid, Gone> gone;
    // Violations of a state, by property and who; counted when they begin.
    std::set<std::tuple<std::string, NodeId, NodeId>> before;
    std::set<std::tuple<std::string, NodeId, NodeId>> now;

    bool metadata_lost = false;

    void count(const std::string& id, bool allowed) {
        ++counts[id].found;
        if (allowed || metadata_lost) ++counts[id].found_allowed;
    }
    void level(const std::string& id, NodeId a, NodeId b, bool allowed) {
        now.insert({id, a, b});
        if (!before.contains({id, a, b})) count(id, allowed);
    }
    bool excused(LeaderEpoch after, LeaderEpoch upto) const {
        return std::any_of(excuses.begin(), excuses.end(),
                           [&](LeaderEpoch e) { return e > after && e <= upto; });
    }

    void add_leader(NodeId node, LeaderEpoch epoch) {
        if (leaders[epoch].insert(node).second && leaders[epoch].size() > 1) count("R8", false);
    }

    void controller(const State* old, const State& s) {
        const bool changed =
            old == nullptr || old->leader != s.leader || old->leader_epoch != s.leader_epoch;
        if (old != nullptr && s.leader_epoch < old->leader_epoch) count("R9", false);
        if (changed && old != nullptr && s.leader != kNoNode && !old->isr.contains(s.leader) &&
            !old->elr.contains(s.leader)) {
            excuses.push_back(s.leader_epoch);
            pending = s.leader_epoch;
        }
        if (changed && s.leader != kNoNode) add_leader(s.leader, s.leader_epoch);
        if (s.leader != kNoNode && !s.isr.contains(s.leader))
            level("R7", s.leader, s.leader, false);
    }

    // R15 and R20: each a state that begins and ends.
    void eligible(const State& s) {
        if (!s.keeps_elr) return;
        bool wrong = false;
        for (const FlatSet<NodeId>* set : {&s.isr, &s.elr}) {
            for (const NodeId node : *set) wrong |= replica_of(s, node) == nullptr;
        }
        for (const NodeId node : s.elr) wrong |= s.isr.contains(node);
        const auto in_sync = static_cast<std::int32_t>(s.isr.size());
        const auto replicas = static_cast<std::int32_t>(s.replicas.size());
        wrong |= !s.elr.empty() && in_sync >= std::min(s.min_insync_replicas, replicas);
        for (const Replica& r : s.replicas) {
            wrong |= r.standing == Standing::fenced && s.isr.contains(r.node);
        }
        if (wrong) level("R15", kNoNode, kNoNode, false);
        if (s.isr.empty() && s.elr.empty() && s.last_known_elr.empty()) {
            level("R20", kNoNode, kNoNode, false);
        }
    }

    static const ReplicaProgress* progress_of(const Replica& leader, NodeId node) {
        for (const ReplicaProgress& r : *leader.followers) {
            if (r.node == node) return &r;
        }
        return nullptr;
    }

    // R12 and R13, of a replica that led this epoch before.
    void leader_step(const State& s, const Replica& was, const Replica& r) {
        if (!r.followers) return;
        if (r.high_watermark > was.high_watermark && r.isr && r.maximal_isr) {
            bool wrong = false;
            for (const NodeId node :
                 s.rules.high_watermark_uses_maximal_isr ? *r.maximal_isr : *r.isr) {
                if (node == r.node) continue;
                const ReplicaProgress* progress = progress_of(r, node);
                wrong |= progress == nullptr || progress->log_end < r.high_watermark;
            }
            const auto wanted =
                std::min(r.min_insync_replicas, static_cast<std::int32_t>(r.followers->size()) + 1);
            wrong |= s.rules.high_watermark_requires_min_isr &&
                     static_cast<std::int32_t>(r.isr->size()) < wanted;
            if (wrong) count("R12", false);
        }
        if (r.isr_settled || !r.maximal_isr) return;
        for (const NodeId node : *r.maximal_isr) {
            const bool asked_before = was.maximal_isr && was.maximal_isr->contains(node);
            if (asked_before || s.isr.contains(node) || replica_of(s, node) == nullptr) continue;
            const ReplicaProgress* progress = progress_of(r, node);
            bool wrong = progress == nullptr || progress->log_end == kNoOffset ||
                         progress->log_end < was.high_watermark;
            if (!wrong && s.rules.isr_expand_requires_epoch_start) {
                wrong |= progress->log_end < r.epoch_start_offset;
            }
            if (!wrong && r.alive) {
                const BrokerEpoch* alive = r.alive->find(node);
                wrong |= alive == nullptr ? s.rules.isr_excludes_fenced_brokers
                                          : s.rules.alter_partition_checks_broker_epoch &&
                                                progress->broker_epoch != *alive;
            }
            if (wrong) count("R13", false);
        }
    }

    void steps(const State* old, const State& s) {
        for (const Replica& r : s.replicas) {
            const Replica* was = old == nullptr ? nullptr : replica_of(*old, r.node);
            const bool same_process =
                was != nullptr && was->running && r.running && !s.lossy.contains(r.node);
            if (same_process && r.leader_epoch < was->leader_epoch) count("R9", false);
            const bool leads = r.running && r.is_leader;
            const bool led_same =
                leads && same_process && was->is_leader && was->leader_epoch == r.leader_epoch;
            if (led_same && r.high_watermark < was->high_watermark) count("R10", false);
            if (led_same) leader_step(s, *was, r);
            if (leads && !led_same) {
                add_leader(r.node, r.leader_epoch);
                if (r.leader_epoch > newest) {
                    previous = newest;
                    newest = r.leader_epoch;
                    newest_leader = r.node;
                    term_high_watermark = r.high_watermark;
                    fell_short = false;
                }
            }
            for (std::size_t b = 1; b < r.batches.size(); ++b) {
                const bool is_new = was == nullptr || !has(*was, r.batches[b]);
                if (is_new && r.batches[b].leader_epoch < r.batches[b - 1].leader_epoch) {
                    count("R9", false);
                }
            }
            if (!same_process) continue;
            const bool is_cut =
                r.log_end_offset < was->log_end_offset ||
                std::any_of(
                    was->batches.begin(), was->batches.end(),
                    [&](const auto& batch) {
                        return batch.last_offset() >= r.log_start_offset && !has(r, batch);
                    });
            if (!is_cut) continue;
            const std::size_t had = matched(*was, committed, retained_from);
            if (led_same) {
                count("R17", false);
            } else if (matched(r, committed, retained_from) < had &&
                       committed[had - 1].last_offset() >=
                           std::max(retained_from, was->log_start_offset)) {
                const bool obeys_a_deposed_leader =
                    r.leader_epoch < s.leader_epoch && !s.isr.contains(r.node);
                if (!obeys_a_deposed_leader) count("R17", pending.has_value());
            }
        }
    }

    void losses(const State* old, const State& s) {
        if (!s.lossy.empty()) {
            for (auto& [uid, lost] : gone) lost.power_lost_since = true;
        }
        for (const NodeId node : s.lossy) {
            Offset& until = lossy.try_emplace(node, Offset{0}).first->second;
            if (const Replica* was = old == nullptr ? nullptr : replica_of(*old, node)) {
                until = std::max(until, was->log_end_offset);
            }
            left_isr.erase(node);
            exhausted = false;
        }
        if (!s.isr.empty() || !s.elr.empty()) {
            candidates.clear();
            candidates.insert(s.isr.begin(), s.isr.end());
            candidates.insert(s.elr.begin(), s.elr.end());
        }
        if (lossy.empty()) return;
        for (const Replica& r : s.replicas) {
            if (!lossy.contains(r.node)) continue;
            const bool in_isr = s.isr.contains(r.node);
            if (!in_isr && r.standing != Standing::stale && !is_asked_for(s, r.node)) {
                left_isr.insert(r.node);
            }
            const bool caught_up = matched(r, committed, retained_from) == committed.size() &&
                                   r.log_end_offset >= lossy.at(r.node);
            const bool has_all = matched(r, committed, retained_from) == committed.size();
            if (caught_up || (in_isr && left_isr.contains(r.node) && has_all)) {
                lossy.erase(r.node);
            }
        }
        bool all = true;
        bool any = false;
        for (const Replica& r : s.replicas) {
            if (!candidates.contains(r.node)) continue;
            any = true;
            all &=
                lossy.contains(r.node) && matched(r, committed, retained_from) < committed.size();
        }
        if (any && all && !exhausted) {
            pending = s.leader_epoch;
            excuses.push_back(LeaderEpoch{s.leader_epoch.value + 1});
        }
        exhausted = any && all;
    }

    void settle_acks(const Replica& leader, bool new_term, bool allowed) {
        std::vector<NaiveReplication::Acknowledgement> kept;
        for (const auto& ack : acks) {
            const bool is_committed = ack.offset < end_of(committed, committed.size());
            if (!is_committed && !new_term) {
                kept.push_back(ack);
            } else if (ack.offset < std::max(retained_from, leader.log_start_offset)) {
                continue;
            } else if (holds(at(leader, ack.offset), ack.offset, ack.uid)) {
                if (!is_committed) kept.push_back(ack);
            } else if (!gone.contains(ack.uid) || gone.at(ack.uid).offset != ack.offset) {
                count("R1", allowed || !excuses.empty());
            }
        }
        acks = kept;
    }

    void commit(const State& s) {
        const Replica* leader = nullptr;
        for (const Replica& r : s.replicas) {
            if (r.running && r.is_leader && r.leader_epoch == newest && r.node == newest_leader) {
                leader = &r;
            }
        }
        if (leader == nullptr) return;
        const bool allowed = pending && newest >= *pending;
        if (leader->node == s.leader && leader->leader_epoch == s.leader_epoch) {
            const bool new_term = judged != newest;
            judged = newest;
            judged_now = true;
            const std::size_t m = matched(*leader, committed, retained_from);
            if (m < committed.size()) {
                count("R1", allowed);
                for (std::size_t b = m; b < committed.size(); ++b) {
                    for_each_record(committed[b], [&](const RecordView& record) {
                        if (record.uid != kNoUid) {
                            gone[record.uid] = {record.offset, leader->leader_epoch, allowed,
                                                false};
                        }
                    });
                }
                committed.resize(m);
                retained_from = std::min(retained_from, end_of(committed, m));
            }
            if (new_term) settle_acks(*leader, true, allowed);
        }
        const Offset end = end_of(committed, committed.size());
        if (leader->high_watermark < end) {
            if (leader->high_watermark > term_high_watermark && !fell_short) {
                fell_short = true;
                count("R10", excused(previous, newest));
            }
        } else if (matched(*leader, committed, retained_from) == committed.size()) {
            const Offset from = std::max(end, leader->log_start_offset);
            bool grew = false;
            for (const RecordBatch& batch : leader->batches) {
                if (batch.last_offset() < from) continue;
                if (batch.next_offset() > leader->high_watermark) break;
                grew = true;
                committed.push_back(batch);
                for_each_record(batch, [&](const RecordView& record) {
                    if (!gone.contains(record.uid)) return;
                    const Gone& lost = gone.at(record.uid);
                    count("D5",
                          (lost.allowed && lost.power_lost_since) || excused(lost.epoch, newest));
                    gone.erase(record.uid);
                });
            }
            if (grew || leader->high_watermark > end) settle_acks(*leader, false, allowed);
        }
        if (leader->log_start_offset <= retained_from) return;
        retained_from = leader->log_start_offset;
        for (RecordBatch& batch : committed) {
            if (batch.last_offset() < retained_from) batch.records = Payload{};
        }
    }

    void levels(const State& s) {
        const Offset end = end_of(committed, committed.size());
        for (const Replica& r : s.replicas) {
            if (r.running &&
                (r.log_start_offset > r.high_watermark || r.high_watermark > r.log_end_offset)) {
                level("R11", r.node, r.node, false);
            }
            if (r.running && (s.isr.contains(r.node) || s.elr.contains(r.node)) &&
                r.log_end_offset < end) {
                level("R2", r.node, r.node, lossy.contains(r.node) || pending.has_value());
            }
            const bool is_candidate = s.isr.contains(r.node) || s.elr.contains(r.node);
            if (lossy.contains(r.node) && r.standing == Standing::active &&
                (is_candidate || s.leader == r.node)) {
                const bool last_standing = !s.keeps_elr && s.isr.size() == 1;
                level("R14", r.node, r.node, last_standing || pending.has_value());
            }
            fetchers(r);
            for (const Replica& other : s.replicas) {
                if (r.node < other.node) agreement(r, other);
            }
            if (r.running && r.is_leader) leader_levels(s, r);
        }
    }

    void fetchers(const Replica& r) {
        if (!r.running || r.fetchers < 0) return;
        const bool follows = !r.is_leader && r.follows != kNoNode && r.follows != r.node;
        const bool right =
            follows ? r.fetchers == 1 && r.fetches_from == r.follows : r.fetchers == 0;
        if (!right) level("R18", r.node, r.node, false);
    }

    void copies(const State& s) {
        for (const RecordBatch& batch : committed) {
            if (batch.last_offset() < retained_from) continue;
            const bool somewhere =
                std::any_of(s.replicas.begin(), s.replicas.end(), [&](const Replica& r) {
                    const Offset floor =
                        std::max(r.log_start_offset, std::min(retained_from, r.log_end_offset));
                    return batch.last_offset() < floor || has(r, batch);
                });
            if (somewhere) continue;
            level("R16", kNoNode, kNoNode, pending.has_value() || (exhausted && !excuses.empty()));
            return;
        }
    }

    // Of a record that was compacted away.
    static LeaderEpoch epoch_at(const Replica& r, Offset offset) {
        LeaderEpoch epoch = r.leader_epoch;
        for (const EpochEntry& entry : r.epochs) {
            if (entry.start_offset <= offset) epoch = entry.epoch;
        }
        return epoch;
    }

    void agreement(const Replica& a, const Replica& b) {
        const Offset bound =
            std::min({a.high_watermark, b.high_watermark, a.log_end_offset, b.log_end_offset});
        const Offset from = std::max({a.log_start_offset, b.log_start_offset, retained_from});
        for (Offset o = from; o < bound; o = o + 1) {
            const RecordBatch* x = at(a, o);
            const RecordBatch* y = at(b, o);
            if (x == nullptr && y == nullptr) continue;
            if (x != nullptr && y != nullptr && same(*x, *y)) continue;
            const LeaderEpoch of_x = x == nullptr ? epoch_at(a, o) : x->leader_epoch;
            const LeaderEpoch of_y = y == nullptr ? epoch_at(b, o) : y->leader_epoch;
            level("R3", a.node, b.node,
                  excused(std::min(of_x, of_y),
                          std::max({of_x, of_y, a.leader_epoch, b.leader_epoch})));
            return;
        }
    }

    void leader_levels(const State& s, const Replica& r) {
        const bool is_current = r.node == s.leader && r.leader_epoch == s.leader_epoch;
        const bool knows = is_current && r.partition_epoch == s.partition_epoch;
        if (is_current && r.isr && r.maximal_isr) {
            if (!contains_all(*r.maximal_isr, *r.isr) ||
                (r.isr_settled && !(*r.maximal_isr == *r.isr)) ||
                (knows && !contains_all(*r.maximal_isr, s.isr))) {
                level("R4", r.node, r.node, false);
            }
        }
        for (const Replica& member : s.replicas) {
            if (member.node == r.node) continue;
            const Offset from =
                std::max({r.log_start_offset, member.log_start_offset, retained_from});
            const bool lacks =
                std::any_of(r.batches.begin(), r.batches.end(), [&](const RecordBatch& batch) {
                    return batch.last_offset() >= from && batch.next_offset() <= r.high_watermark &&
                           !has(member, batch);
                });
            if (!lacks) continue;
            const bool allowed =
                lossy.contains(member.node) || excused(r.leader_epoch, LeaderEpoch{1 << 30});
            if (r.isr && r.isr->contains(member.node)) level("R5", r.node, member.node, allowed);
            if (knows && s.isr.contains(member.node)) level("R6", s.leader, member.node, allowed);
        }
    }
};

}  // namespace

void NaiveReplication::observe(Instant now, const PartitionView& view) {
    State s = std::move(coming_);
    coming_ = State{};
    coming_.metadata_lost = s.metadata_lost;
    s.now = now;
    s.leader = view.leader;
    s.leader_epoch = view.leader_epoch;
    s.partition_epoch = view.partition_epoch;
    s.isr = *view.isr;
    if (view.elr != nullptr) s.elr = *view.elr;
    if (view.last_known_elr != nullptr) s.last_known_elr = *view.last_known_elr;
    s.keeps_elr = view.elr != nullptr;
    s.min_insync_replicas = view.min_insync_replicas;
    s.rules = view.rules;
    for (const ReplicaView& r : view.replicas) {
        Replica copy;
        copy.node = r.node;
        copy.running = r.running;
        copy.is_leader = r.is_leader;
        copy.leader_epoch = r.leader_epoch;
        copy.partition_epoch = r.partition_epoch;
        copy.high_watermark = r.high_watermark;
        copy.log_start_offset = r.log->log_start_offset;
        copy.log_end_offset = r.log->log_end_offset;
        copy.epochs = r.log->epoch_cache.entries;
        r.log->for_each_batch(r.log->log_start_offset,
                              [&](const RecordBatch& batch) { copy.batches.push_back(batch); });
        if (r.isr != nullptr) copy.isr = *r.isr;
        if (r.maximal_isr != nullptr) copy.maximal_isr = *r.maximal_isr;
        copy.isr_settled = r.isr_settled;
        if (r.followers != nullptr) copy.followers = *r.followers;
        if (r.alive != nullptr) copy.alive = *r.alive;
        copy.epoch_start_offset = r.epoch_start_offset;
        copy.min_insync_replicas = r.min_insync_replicas;
        copy.follows = r.follows;
        copy.fetchers = r.fetchers;
        copy.fetches_from = r.fetches_from;
        copy.standing = r.standing;
        s.replicas.push_back(std::move(copy));
    }
    states_.push_back(std::move(s));
}

std::map<std::string, NaiveReplication::Count> NaiveReplication::evaluate() const {
    Evaluation e;
    for (std::size_t k = 0; k < states_.size(); ++k) {
        const State* old = k == 0 ? nullptr : &states_[k - 1];
        const State& s = states_[k];
        e.metadata_lost = s.metadata_lost;
        for (const auto& ack : s.acks) {
            const bool known = e.gone.contains(ack.uid) && e.gone.at(ack.uid).offset == ack.offset;
            if (ack.offset >= end_of(e.committed, e.committed.size()) && !known) {
                e.acks.push_back(ack);
            }
        }
        e.controller(old, s);
        e.eligible(s);
        e.steps(old, s);
        e.losses(old, s);
        e.commit(s);
        e.levels(s);
        e.copies(s);
        if (e.pending && e.judged_now && e.newest >= *e.pending) e.pending.reset();
        e.judged_now = false;
        e.before = std::move(e.now);
        e.now.clear();
    }
    return e.counts;
}

}  // namespace tribunal
