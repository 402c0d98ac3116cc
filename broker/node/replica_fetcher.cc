// Following: one fetcher for each leader this broker follows, one request under way at a time.
// A partition first finds where to truncate, then fetches.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/node/broker.h"

namespace tribunal {
namespace {

ConnectionKey fetch_connection(const Broker& b, NodeId leader) {
    return {b.id, leader, Lane::fetch};
}

void remember_change(ReplicaFetcher& f, TopicPartition tp) {
    if (std::find(f.changed.begin(), f.changed.end(), tp) == f.changed.end())
        f.changed.push_back(tp);
}

void set_phase(ReplicaFetcher& f, FetchState& state, FetchPhase phase) {
    if (state.phase == FetchPhase::truncating) --f.truncating;
    if (phase == FetchPhase::truncating) ++f.truncating;
    state.phase = phase;
}

// Takes a partition out of the fetch for replica.fetch.backoff.ms.
void delay(Broker& b, NodeId leader, ReplicaFetcher& f, TopicPartition tp, Outbox& out) {
    FetchState& state = *f.partitions.find(tp);
    state.after_delay = state.phase;
    set_phase(f, state, FetchPhase::delayed);
    if (state.sent_offset != kNoOffset) f.forgotten.push_back(tp);
    state.sent_offset = kNoOffset;
    std::erase(f.changed, tp);
    out.arm(timer(TimerKind::fetch_backoff, static_cast<std::uint64_t>(leader.value)),
            b.config.replica_fetch_backoff);
}

void start_fetching(ReplicaFetcher& f, TopicPartition tp, FetchState& state) {
    set_phase(f, state, FetchPhase::fetching);
    remember_change(f, tp);
}

// Partitions that truncate without asking do it now; the others are asked about in one request.
bool ask_or_truncate(Broker& b, NodeId leader, ReplicaFetcher& f, Outbox& out) {
    ReplicationContext context = context_of(b, out);
    OffsetsForLeaderEpochRequest request;
    request.replica = b.id;
    for (auto& [tp, state] : f.partitions) {
        if (state.phase != FetchPhase::truncating) continue;
        Partition* p = edit_partition(b, tp);
        CHECK(p != nullptr);
        if (b.config.planted_bug == PlantedBug::follower_ignores_epoch) {
            start_fetching(f, tp, state);
            continue;
        }
        const LeaderEpoch epoch = epoch_to_ask(*p, b.config.rules.truncation);
        if (epoch == kNoLeaderEpoch) {
            truncate(*p, first_truncation(*p, b.config.rules.truncation), context);
            start_fetching(f, tp, state);
            continue;
        }
        state.asked_epoch = epoch;
        const bool fences = b.config.rules.truncation >= TruncationRule::kip320;
        request.partitions.push_back({tp, fences ? state.leader_epoch : kNoLeaderEpoch, epoch});
    }
    if (request.partitions.empty()) return false;
    f.in_flight = free_correlation(b);
    const ConnectionKey connection = fetch_connection(b, leader);
    out.send(connection, f.in_flight, std::move(request));
    out.arm(timer(TimerKind::request_timeout, connection.packed()),
            b.config.replica_socket_timeout);
    return true;
}

void add_to_request(const Broker& b, const Partition& p, TopicPartition tp, FetchState& state,
                    FetchRequest& request) {
    const bool fences = b.config.rules.truncation >= TruncationRule::kip320;
    state.sent_offset = p.log.log_end_offset;
    FetchPartition fetch;
    fetch.partition = tp;
    fetch.fetch_offset = p.log.log_end_offset;
    fetch.log_start_offset = p.log.log_start_offset;
    fetch.current_leader_epoch = fences ? state.leader_epoch : kNoLeaderEpoch;
    if (truncates_on_fetch(p, b.config.rules.truncation) &&
        b.config.planted_bug != PlantedBug::follower_ignores_epoch) {
        fetch.last_fetched_epoch = p.log.latest_epoch();
    }
    fetch.max_bytes = static_cast<std::int32_t>(b.config.replica_fetch_max_bytes);
    request.partitions.push_back(fetch);
}

}  // namespace

void pump(Broker& b, NodeId leader, Outbox& out) {
    ReplicaFetcher* f = b.fetchers.find(leader);
    if (f == nullptr || f->in_flight != 0 || f->backing_off) return;
    // What it has appended must be on the platter before it says so.
    const bool is_flushing =
        std::any_of(b.flushing.begin(), b.flushing.end(),
                    [&](TopicPartition tp) { return f->partitions.contains(tp); });
    if (is_flushing) return;
    if (f->truncating > 0 && ask_or_truncate(b, leader, *f, out)) return;
    if (f->partitions.empty()) return;
    FetchRequest request;
    request.replica = b.id;
    request.replica_epoch = b.broker_epoch;
    request.max_wait = b.config.replica_fetch_wait_max;
    request.min_bytes = b.config.replica_fetch_min_bytes;
    request.max_bytes = b.config.replica_fetch_response_max_bytes;
    request.session_id = f->session_id;
    request.session_epoch = f->session_epoch;
    if (f->session_epoch == 0) {
        for (auto& [tp, state] : f->partitions) {
            state.sent_offset = kNoOffset;
            if (state.phase != FetchPhase::fetching) continue;
            add_to_request(b, *find_partition(b, tp), tp, state, request);
        }
        if (request.partitions.empty()) return;
        f->forgotten.clear();
    } else {
        for (const TopicPartition tp : f->changed) {
            FetchState* state = f->partitions.find(tp);
            if (state == nullptr || state->phase != FetchPhase::fetching) continue;
            add_to_request(b, *find_partition(b, tp), tp, *state, request);
        }
        request.forgotten = std::move(f->forgotten);
        f->forgotten.clear();
        const bool any = std::any_of(f->partitions.begin(), f->partitions.end(), [](const auto& e) {
            return e.second.phase == FetchPhase::fetching;
        });
        if (!any) return;
    }
    f->changed.clear();
    f->in_flight = free_correlation(b);
    const ConnectionKey connection = fetch_connection(b, leader);
    out.send(connection, f->in_flight, std::move(request));
    out.arm(timer(TimerKind::request_timeout, connection.packed()),
            b.config.replica_socket_timeout);
}

void follow(Broker& b, TopicPartition tp, NodeId leader, Outbox& out) {
    unfollow(b, tp);
    if (leader == kNoNode || leader == b.id) return;
    ReplicaFetcher& f = b.fetchers[leader];
    FetchState state;
    const Partition& p = *find_partition(b, tp);
    state.leader_epoch = p.leader_epoch;
    ++f.truncating;
    FetchState& kept = f.partitions[tp] = state;
    if (truncates_on_fetch(p, b.config.rules.truncation)) start_fetching(f, tp, kept);
    pump(b, leader, out);
}

void unfollow(Broker& b, TopicPartition tp) {
    for (auto& [leader, f] : b.fetchers) {
        FetchState* state = f.partitions.find(tp);
        if (state == nullptr) continue;
        if (state->phase == FetchPhase::truncating) --f.truncating;
        if (state->sent_offset != kNoOffset) f.forgotten.push_back(tp);
        f.partitions.erase(tp);
        std::erase(f.changed, tp);
    }
}

void close_idle_fetchers(Broker& b, Outbox& out) {
    for (const auto& [leader, f] : b.fetchers) {
        if (!f.partitions.empty()) continue;
        const ConnectionKey connection = fetch_connection(b, leader);
        out.disarm(timer(TimerKind::request_timeout, connection.packed()));
        out.disarm(timer(TimerKind::fetch_backoff, static_cast<std::uint64_t>(leader.value)));
        out.effects.emplace_back(Close{connection});
    }
    b.fetchers.erase_if([](const auto& e) { return e.second.partitions.empty(); });
}

void on_epoch_response(Broker& b, NodeId leader, std::int32_t correlation,
                       const OffsetsForLeaderEpochResponse& response, Outbox& out) {
    ReplicaFetcher* f = b.fetchers.find(leader);
    if (f == nullptr || f->in_flight != correlation) return;
    f->in_flight = 0;
    out.disarm(timer(TimerKind::request_timeout, fetch_connection(b, leader).packed()));
    ReplicationContext context = context_of(b, out);
    for (const EpochEndOffset& answer : response.partitions) {
        FetchState* state = f->partitions.find(answer.partition);
        if (state == nullptr || state->phase != FetchPhase::truncating) continue;
        if (state->asked_epoch == kNoLeaderEpoch) continue;  // became follower anew meanwhile
        if (answer.error != ErrorCode::none) {
            // FENCED or UNKNOWN_LEADER_EPOCH, NOT_LEADER: the image will tell; ask again later.
            delay(b, leader, *f, answer.partition, out);
            continue;
        }
        Partition* p = edit_partition(b, answer.partition);
        const TruncationStep step = truncation_for(*p, answer, b.config.rules.truncation);
        truncate(*p, step.to, context);
        if (step.done) start_fetching(*f, answer.partition, *state);
    }
    pump(b, leader, out);
}

namespace {

// Truncates before anything else that the response says is taken in: the leader's high watermark
// may lie above the divergence. Before KAFKA-14704 was mended (3.4.1) it was taken in first, and
// whoever read here in between was given records that were then cut off.
void on_divergence(Broker& b, const FetchPartitionResponse& response, Outbox& out) {
    if (!b.config.rules.diverging_fetch_keeps_high_watermark) {
        follow_high_watermark(*edit_partition(b, response.partition), response.high_watermark);
        notify_sessions(b, response.partition, out);
    }
    ReplicationContext context = context_of(b, out);
    truncate_to_divergence(*edit_partition(b, response.partition), response.diverging_epoch,
                           context);
}

}  // namespace

void on_fetch_response(Broker& b, NodeId leader, std::int32_t correlation,
                       const FetchResponse& response, Outbox& out) {
    ReplicaFetcher* f = b.fetchers.find(leader);
    if (f == nullptr || f->in_flight != correlation) return;
    f->in_flight = 0;
    out.disarm(timer(TimerKind::request_timeout, fetch_connection(b, leader).packed()));
    if (response.error != ErrorCode::none) {
        f->session_epoch = 0;
        pump(b, leader, out);
        return;
    }
    f->session_id = response.session_id;
    // Session 0: the leader keeps none, the next fetch is a full one again.
    f->session_epoch = response.session_id == 0 ? 0 : f->session_epoch + 1;
    ReplicationContext context = context_of(b, out);
    for (const FetchPartitionResponse& r : response.partitions) {
        FetchState* state = f->partitions.find(r.partition);
        if (state == nullptr || state->phase != FetchPhase::fetching) continue;
        Partition* p = edit_partition(b, r.partition);
        CHECK(p != nullptr && p->follower() != nullptr);
        if (state->sent_offset != p->log.log_end_offset) continue;  // of an earlier life here
        switch (r.error) {
            case ErrorCode::none: {
                if (r.diverging_epoch.end_offset != kNoOffset) {
                    on_divergence(b, r, out);
                    remember_change(*f, r.partition);
                    break;
                }
                const Offset before = p->log.log_end_offset;
                const Offset start_before = p->log.log_start_offset;
                const Offset high_watermark = p->high_watermark;
                const bool is_intact = append_as_follower(*p, r, context);
                remember_flush(b, *p);
                if (!is_intact) {
                    delay(b, leader, *f, r.partition, out);
                    break;
                }
                if (before != p->log.log_end_offset || start_before != p->log.log_start_offset) {
                    remember_change(*f, r.partition);
                }
                // Consumers that read here see a moved high watermark (KIP-392).
                if (high_watermark != p->high_watermark) notify_sessions(b, r.partition, out);
                break;
            }
            case ErrorCode::offset_out_of_range:
                on_out_of_range(*p, r, context);
                remember_change(*f, r.partition);
                break;
            default:
                delay(b, leader, *f, r.partition, out);
        }
    }
    pump(b, leader, out);
}

void on_fetcher_failed(Broker& b, NodeId leader, Outbox& out) {
    ReplicaFetcher* f = b.fetchers.find(leader);
    if (f == nullptr) return;
    f->in_flight = 0;
    f->session_epoch = 0;
    f->backing_off = true;
    out.disarm(timer(TimerKind::request_timeout, fetch_connection(b, leader).packed()));
    out.arm(timer(TimerKind::fetch_backoff, static_cast<std::uint64_t>(leader.value)),
            b.config.replica_fetch_backoff);
}

void on_fetch_backoff(Broker& b, NodeId leader, Outbox& out) {
    ReplicaFetcher* f = b.fetchers.find(leader);
    if (f == nullptr) return;
    f->backing_off = false;
    for (auto& [tp, state] : f->partitions) {
        if (state.phase != FetchPhase::delayed) continue;
        set_phase(*f, state, state.after_delay);
        if (state.phase == FetchPhase::fetching) remember_change(*f, tp);
    }
    pump(b, leader, out);
}

}  // namespace tribunal
