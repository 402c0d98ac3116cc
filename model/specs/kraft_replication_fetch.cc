// Fetching: a follower asks its leader for the next record and says where its log ends; the leader
// answers with a record, with where the logs diverge (KIP-595's way), or with an error.
#include <algorithm>

#include "broker/base/check.h"
#include "model/specs/kraft_replication_steps.h"

namespace tribunal::kraft_replication {
namespace {

// Limits the state space: nothing to fetch and nothing to tell.
bool is_converged(const BrokerSide& leader, const BrokerSide& follower, Broker f) {
    const Peer& known = leader.peers[f];
    return leader.log_end_offset == follower.log_end_offset &&
           leader.high_watermark == follower.high_watermark &&
           known.log_end_offset == follower.log_end_offset &&
           known.broker_epoch == follower.broker_epoch;
}

// Where the epoch ends in this log, or the last smaller epoch that it has.
EpochEnd end_of_epoch(const BrokerSide& replica, Byte epoch, bool is_leader) {
    const bool is_last = replica.log_end_offset == 1 || epoch == replica.last_epoch();
    if (is_last || (is_leader && replica.metadata.leader_epoch == epoch)) {
        return {epoch, replica.log_end_offset};
    }
    EpochEnd found{epoch, 0};
    for (Byte offset = 1; offset < replica.log_end_offset; ++offset) {
        const Byte at = replica.record(offset).epoch;
        if (at > epoch) {
            found.end_offset = offset;
            break;
        }
        found.epoch = at;  // epochs never fall along a log
    }
    if (found.end_offset == 0 && is_leader && replica.metadata.leader_epoch > epoch) {
        found.end_offset = replica.log_end_offset;
    }
    CHECK(found.end_offset != 0);  // the specification has no answer here: it never asks
    return found;
}

}  // namespace

void Steps::send_fetch_request(Broker b) const {
    const BrokerSide& was = s_.brokers[b];
    const Broker leader = was.metadata.leader;
    if (!was.is_running() || leader == kNoLeader || leader == b) return;
    const Fetcher& fetcher = was.fetchers[leader];
    if (!fetcher.has_partition() || fetcher.pending_response != 0) return;
    if (is_converged(s_.brokers[leader], was, b)) return;
    State next = s_;
    next.messages.send(pack(FetchRequest{b, leader, was.broker_epoch, was.metadata.leader_epoch,
                                         fetcher.fetch_offset, fetcher.last_fetched_epoch}));
    next.brokers[b].fetchers[leader].pending_response = 1;
    next.brokers[b].fetchers[leader].delayed = 0;
    sink_(step_of_broker(ActionKind::send_fetch_request, b, leader), next);
}

void Steps::receive_fetch_request(std::size_t message) const {
    const std::uint64_t word = s_.messages.message(message);
    const auto request = unpack<FetchRequest>(word);
    const Broker b = request.dest;
    const BrokerSide& was = s_.brokers[b];
    if (!was.is_running()) return;
    State next = s_;
    BrokerSide& me = next.brokers[b];
    FetchResponse response{.source = b,
                           .dest = request.source,
                           .error = FetchError::none,
                           .leader_epoch = was.metadata.leader_epoch,
                           .fetch_offset = request.fetch_offset};
    if (was.role != Role::leader || was.metadata.leader_epoch != request.leader_epoch) {
        response.error =
            was.metadata.leader_epoch < request.leader_epoch   ? FetchError::unknown_leader_epoch
            : was.metadata.leader_epoch > request.leader_epoch ? FetchError::fenced_leader_epoch
                                                               : FetchError::not_leader_or_follower;
    } else if (const EpochEnd end = end_of_epoch(was, request.last_fetched_epoch, true);
               end.epoch < request.last_fetched_epoch || end.end_offset < request.fetch_offset) {
        response.diverging = end;
    } else {
        me.peers[request.source] = {request.fetch_offset, request.broker_epoch};
        const int high_watermark = commit_offset(me, b, was.log_end_offset, was.metadata) + 1;
        if (may_advance(was.metadata, was.high_watermark, high_watermark)) {
            advance_high_watermark(next, b, high_watermark, true);
        }
        if (request.fetch_offset < was.log_end_offset) {
            response.record = was.record(request.fetch_offset);
        }
    }
    response.high_watermark = me.high_watermark;
    next.messages.discard(word);
    next.messages.send(pack(response));
    sink_(step_of_message(ActionKind::receive_fetch_request, message), next);
}

namespace {

void truncate(BrokerSide& me, EpochEnd diverging) {
    const EpochEnd mine = end_of_epoch(me, diverging.epoch, false);
    const Byte end_offset = mine.epoch != diverging.epoch
                                ? mine.end_offset
                                : std::min(mine.end_offset, diverging.end_offset);
    // The high watermark stays, even above the end of the log.
    me.log_end_offset = std::max<Byte>(end_offset, 1);
    for (std::size_t i = me.log_end_offset - 1u; i < me.log.size(); ++i) me.log[i] = {};
}

void append(BrokerSide& me, LogRecord record) {
    CHECK(me.log_end_offset <= me.log.size());
    me.log[me.log_end_offset - 1u] = record;
    ++me.log_end_offset;
}

}  // namespace

void Steps::receive_fetch_response(std::size_t message) const {
    const std::uint64_t word = s_.messages.message(message);
    const auto response = unpack<FetchResponse>(word);
    const Broker b = response.dest;
    const BrokerSide& was = s_.brokers[b];
    const Fetcher& asked = was.fetchers[response.source];
    if (!was.is_running() || asked.pending_response == 0) return;
    State next = s_;
    BrokerSide& me = next.brokers[b];
    Fetcher& fetcher = me.fetchers[response.source];
    fetcher.pending_response = 0;
    if (!asked.has_partition() || asked.fetch_offset != response.fetch_offset ||
        was.metadata.leader_epoch != response.leader_epoch) {
        // An answer to what is no longer asked.
    } else if (response.error != FetchError::none) {
        fetcher.delayed = 1;
    } else if (response.diverging.end_offset != 0) {
        truncate(me, response.diverging);
        fetcher = {me.log_end_offset, me.last_epoch(), 0, 0};
    } else {
        fetcher.delayed = 0;
        if (response.record.value != 0) {
            append(me, response.record);
            fetcher.last_fetched_epoch = response.record.epoch;
        }
        fetcher.fetch_offset = me.log_end_offset;
        if (response.high_watermark <= me.log_end_offset) {
            me.high_watermark = response.high_watermark;
        }
    }
    next.messages.discard(word);
    sink_(step_of_message(ActionKind::receive_fetch_response, message), next);
}

}  // namespace tribunal::kraft_replication
