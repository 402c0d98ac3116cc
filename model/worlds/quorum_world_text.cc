// How people read a quorum world: its steps by name, its states by variable.
#include <fmt/format.h>

#include <algorithm>

#include "model/worlds/quorum_world.h"

namespace tribunal {
namespace {

using Kind = QuorumWorld::Kind;

std::int32_t first_of(Action a) { return a.detail & 7; }
std::int32_t second_of(Action a) { return (a.detail >> 3) & 7; }

const Shared<Deliver>* first_message(const QuorumWorld::State& s, Action a) {
    const ConnectionKey key{NodeId{first_of(a)}, NodeId{second_of(a)}, Lane::quorum};
    const SmallPipe* p = s.world.find_pipe(key, a.kind == Kind::response);
    return p == nullptr ? nullptr : &p->messages.front();
}

// "vote", "fetch", "begin epoch", ...
std::string_view subject_of(const Message& message) {
    return message.visit(Overloaded{
        [](const VoteRequest& m) { return std::string_view{m.pre_vote ? "pre-vote" : "vote"}; },
        [](const VoteResponse&) { return std::string_view{"vote"}; },
        [](const BeginQuorumEpochRequest&) { return std::string_view{"begin epoch"}; },
        [](const BeginQuorumEpochResponse&) { return std::string_view{"begin epoch"}; },
        [](const EndQuorumEpochRequest&) { return std::string_view{"end epoch"}; },
        [](const EndQuorumEpochResponse&) { return std::string_view{"end epoch"}; },
        [](const QuorumFetchRequest&) { return std::string_view{"fetch"}; },
        [](const QuorumFetchResponse&) { return std::string_view{"fetch"}; },
        [](const FetchSnapshotRequest&) { return std::string_view{"snapshot"}; },
        [](const FetchSnapshotResponse&) { return std::string_view{"snapshot"}; },
        [](const auto&) { return std::string_view{"other"}; },
    });
}

std::string text_of(const FlatSet<NodeId>& nodes) {
    std::string text;
    for (const NodeId id : nodes) text += fmt::format("{}{}", text.empty() ? "" : " ", id.value);
    return "{" + text + "}";
}

std::string text_of(const VoterSet& voters) {
    std::string text;
    for (const auto& [id, voter] : voters.voters) {
        text += fmt::format("{}{}", text.empty() ? "" : " ", id.value);
    }
    return "{" + text + "}";
}

std::string text_of(const RaftRecord& record) {
    return std::visit(Overloaded{
                          [&](const Shared<MetadataRecord>& m) {
                              const auto* appended = std::get_if<RegisterBrokerRecord>(&*m);
                              return fmt::format(
                                  "r{}@{}", appended == nullptr ? 0 : appended->broker.value - 100,
                                  record.epoch.value);
                          },
                          [&](const LeaderChangeRecord& m) {
                              return fmt::format("L{}@{}", m.leader.value, record.epoch.value);
                          },
                          [&](const KRaftVersionRecord& m) {
                              return fmt::format("K{}@{}", m.version, record.epoch.value);
                          },
                          [&](const Shared<VotersRecord>& m) {
                              return fmt::format("V{}@{}", text_of(m->voters), record.epoch.value);
                          },
                      },
                      record.payload);
}

std::string text_of(const RaftLog& log) {
    std::string text;
    if (log.snapshot) {
        text = fmt::format("snapshot {}-{}", (*log.snapshot)->id.end_offset.value,
                           (*log.snapshot)->id.epoch.value);
    }
    log.for_each(log.start_offset, log.end_offset, [&](Offset, const RaftRecord& record) {
        text += (text.empty() ? "" : " ") + text_of(record);
    });
    return text;
}

std::string role_of(const Raft& r) {
    return std::visit(
        Overloaded{
            [&](const RaftUnattached&) {
                return r.quorum_state.voted
                           ? fmt::format("voted for {}", r.quorum_state.voted->id.value)
                           : std::string{"unattached"};
            },
            [&](const RaftProspective& p) {
                return fmt::format("prospective, pre-votes {}", text_of(p.granted));
            },
            [&](const RaftCandidate& c) {
                return fmt::format("candidate, votes {}{}", text_of(c.granted),
                                   c.backing_off ? ", backs off" : "");
            },
            [&](const RaftFollower& f) {
                return fmt::format("follower of {}{}", r.quorum_state.leader.value,
                                   f.download ? ", loads a snapshot" : "");
            },
            [&](const RaftLeader& l) {
                std::string text = fmt::format("leader from {}", l.epoch_start_offset.value);
                for (const auto& [key, progress] : l.replicas) {
                    if (progress.end_offset == kNoOffset) continue;
                    text += fmt::format(", {} has {}", key.id.value, progress.end_offset.value);
                }
                return text;
            },
            [&](const RaftResigned& resigned) {
                return fmt::format("resigned, not told {}", text_of(resigned.unacknowledged));
            },
        },
        r.role);
}

}  // namespace

std::string QuorumWorld::step_name(const State& s, Action a) const {
    const std::int32_t first = first_of(a);
    const std::int32_t second = second_of(a);
    switch (static_cast<Kind>(a.kind)) {
        case Kind::request:
        case Kind::response: {
            const Shared<Deliver>* message = first_message(s, a);
            const std::string_view what =
                message == nullptr ? "no" : subject_of((*message)->message);
            return a.kind == Kind::request
                       ? fmt::format("{} request {} -> {}", what, first, second)
                       : fmt::format("{} response {} -> {}", what, second, first);
        }
        case Kind::fetch_timeout:
            return fmt::format("fetch timeout of {}", first);
        case Kind::election_timeout:
            return fmt::format("election timeout of {}", first);
        case Kind::backoff_over:
            return fmt::format("election backoff of {} ends", first);
        case Kind::check_quorum:
            return fmt::format("check quorum of {}", first);
        case Kind::begin_epoch:
            return fmt::format("{} tells that it leads", first);
        case Kind::retry:
            return fmt::format("retry of {} towards {}", first, second);
        case Kind::fetch_wait:
            return fmt::format("fetch wait of {} at {} ends", second, first);
        case Kind::append:
            return fmt::format("append at {}", first);
        case Kind::add_voter:
            return fmt::format("add voter {} at {}", second, first);
        case Kind::remove_voter:
            return fmt::format("remove voter {} at {}", second, first);
        case Kind::snapshot:
            return fmt::format("snapshot of {}", first);
        case Kind::kill:
            return fmt::format("kill {}", first);
        case Kind::power_loss:
            return fmt::format("power loss of {} keeps {}", first, a.detail >> 3);
        case Kind::restart_node:
            return fmt::format("restart {}", first);
        case Kind::break_connection:
            return fmt::format("break connection {} -> {}", first, second);
        case Kind::tell_voter:
            return fmt::format("{} tells of itself", first);
        case Kind::upgrade_version:
            return fmt::format("upgrade of kraft.version at {}", first);
        case Kind::kKinds:
            break;
    }
    return "";
}

std::string QuorumWorld::describe(const State& s, Action a) const {
    const std::string name = step_name(s, a);
    if (a.kind > Kind::response) return name;
    const Shared<Deliver>* message = first_message(s, a);
    if (message == nullptr) return name;
    return fmt::format("{}: {} {}", name, kind_of((*message)->message),
                       tribunal::describe((*message)->message));
}

StateText QuorumWorld::show(const State& s) const {
    StateText text;
    for (std::int32_t n = 1; n <= nodes(); ++n) {
        const auto& host = s.world.host(NodeId{n});
        const Raft& r = host.node.raft;
        std::string value = fmt::format("[{}] hw {}, epoch {}", text_of(r.log),
                                        r.high_watermark.value, r.epoch().value);
        value = host.is_up ? value + ", " + role_of(r) : "down, " + value;
        if (!host.unsynced.empty()) value += fmt::format(", {} unsynced", host.unsynced.size());
        text.emplace_back(fmt::format("node {}", n), value);
    }
    std::string flight;
    for (const SmallPipe& pipe : s.world.pipes()) {
        for (const Shared<Deliver>& m : pipe.messages) {
            const NodeId from = pipe.responses ? pipe.connection.server : pipe.connection.client;
            const NodeId to = pipe.responses ? pipe.connection.client : pipe.connection.server;
            flight += fmt::format("{}{} {} -> {}", flight.empty() ? "" : "; ", kind_of(m->message),
                                  from.value, to.value);
        }
    }
    text.emplace_back("in flight", flight.empty() ? "nothing" : flight);
    text.emplace_back("committed", fmt::format("{}", s.monitor->committed_end().value));
    std::string broken;
    for (std::size_t i = 0; i < QuorumMonitor::kRules; ++i) {
        if (((s.monitor->broken_rules() >> i) & 1u) == 0) continue;
        broken += (broken.empty() ? "" : " ") + std::string(properties_[i].name);
    }
    if (!broken.empty()) text.emplace_back("broken", broken);
    return text;
}

}  // namespace tribunal
