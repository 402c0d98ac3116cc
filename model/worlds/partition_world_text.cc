// How people read a partition world: its steps by name, its states by variable.
#include <fmt/format.h>

#include "model/worlds/partition_world.h"

namespace tribunal {
namespace {

using Kind = PartitionWorld::Kind;
using Sent = PartitionWorld::Sent;

std::string name_of(NodeId id) {
    if (id.value == 1001) return "producer";
    return id.value >= 100 ? "controller" : fmt::format("{}", id.value);
}

std::string text_of(const FlatSet<NodeId>& nodes) {
    std::string text;
    for (const NodeId id : nodes) text += (text.empty() ? "" : " ") + name_of(id);
    return "{" + text + "}";
}

NodeId node_of(unsigned code) {
    if (code == 7) return NodeId{1001};
    return NodeId{code == 0 ? 100 : static_cast<std::int32_t>(code)};
}

const Shared<Deliver>* first_message(const PartitionWorld::State& s, Action a, bool responses) {
    const ConnectionKey key{node_of(a.detail & 7u), node_of((a.detail >> 3) & 7u),
                            static_cast<Lane>((a.detail >> 6) & 7u)};
    const SmallPipe* p = s.world.find_pipe(key, responses);
    return p == nullptr ? nullptr : &p->messages.front();
}

std::string_view lane_of(Action a) {
    switch (static_cast<Lane>((a.detail >> 6) & 7u)) {
        case Lane::fetch:
            return "fetch";
        case Lane::alter_partition:
            return "alter partition";
        case Lane::metadata_fetch:
            return "metadata";
        default:
            return "other";
    }
}

std::string text_of(const Partition& p) {
    std::string log;
    p.log.for_each_batch(Offset{0}, [&](const RecordBatch& batch) {
        for_each_record(batch, [&](const RecordView& r) {
            log += fmt::format("{}w{}@{}", log.empty() ? "" : " ", r.uid.value,
                               batch.leader_epoch.value);
        });
    });
    std::string role = "offline";
    if (const Leader* l = p.leader()) {
        role = fmt::format("leader, ISR {}", text_of(l->isr));
        if (l->pending) {
            role += fmt::format(", asks for {}{}", text_of(l->pending->isr),
                                l->pending->in_flight ? "" : " (not sent)");
        }
        for (const ReplicaProgress& r : l->followers) {
            if (r.log_end != kNoOffset)
                role += fmt::format(", {} has {}", name_of(r.node), r.log_end.value);
            if (r.missed_checks > 0) role += fmt::format(" (missed {})", r.missed_checks);
        }
    } else if (const Follower* f = p.follower()) {
        role = f->leader == kNoNode ? "follower of nobody" : "follower of " + name_of(f->leader);
    }
    return fmt::format("[{}] hw {}, epoch {}, {}", log, p.high_watermark.value,
                       p.leader_epoch.value, role);
}

std::string_view phase_of(const Broker& b, TopicPartition tp) {
    for (const auto& [leader, fetcher] : b.fetchers) {
        const FetchState* state = fetcher.partitions.find(tp);
        if (state == nullptr) continue;
        if (fetcher.backing_off) return ", fetcher backs off";
        switch (state->phase) {
            case FetchPhase::truncating:
                return ", truncating";
            case FetchPhase::delayed:
                return ", fetch delayed";
            case FetchPhase::fetching:
                return "";
        }
    }
    return "";
}

}  // namespace

std::string PartitionWorld::step_name(const State&, Action a) const {
    const std::string first = name_of(node_of(a.detail & 7u));
    const std::string second = name_of(node_of((a.detail >> 3) & 7u));
    switch (static_cast<Kind>(a.kind)) {
        case Kind::fetch_request:
        case Kind::alter_partition_request:
            return fmt::format("{} request {} -> {}", lane_of(a), first, second);
        case Kind::fetch_response:
        case Kind::alter_partition_response:
        case Kind::metadata_response:
            return fmt::format("{} response {} -> {}", lane_of(a), second, first);
        case Kind::fetch_wait:
            return fmt::format("fetch wait of {} at {} ends", second, first);
        case Kind::fetch_backoff:
            return fmt::format("fetch backoff of {} from {} ends", first, second);
        case Kind::alter_partition_retry:
            return fmt::format("{} sends alter partition again", first);
        case Kind::metadata_retry:
            return fmt::format("{} fetches metadata again", first);
        case Kind::heartbeat:
            return fmt::format("heartbeat of {}", first);
        case Kind::session_expires:
            return fmt::format("session of {} expires", second);
        case Kind::isr_check:
            return fmt::format("isr check of {}", first);
        case Kind::checkpoint:
            return fmt::format("high watermark checkpoint of {}", first);
        case Kind::produce_time_out:
            return fmt::format("produce at {} times out", first);
        case Kind::preferred_election:
            return "preferred election";
        case Kind::write:
            return fmt::format("write to {}", first);
        case Kind::kill:
            return fmt::format("kill {}", first);
        case Kind::power_loss:
            return fmt::format("power loss of {} keeps {}", first, a.detail >> 3);
        case Kind::restart:
            return fmt::format("restart {}", first);
        case Kind::break_connection:
            return fmt::format("break {} connection {} -> {}", lane_of(a), first, second);
        case Kind::kKinds:
            break;
    }
    return "";
}

std::string PartitionWorld::describe(const State& s, Action a) const {
    const std::string name = step_name(s, a);
    if (a.kind > Kind::metadata_response) return name;
    const bool responses = a.kind == Kind::fetch_response ||
                           a.kind == Kind::alter_partition_response ||
                           a.kind == Kind::metadata_response;
    const Shared<Deliver>* message = first_message(s, a, responses);
    if (message == nullptr) return name;
    return fmt::format("{}: {} {}", name, kind_of((*message)->message),
                       tribunal::describe((*message)->message));
}

StateText PartitionWorld::show(const State& s) const {
    StateText text;
    const PartitionImage* p = image(s).partition(partition());
    std::string alive;
    for (const auto& [id, epoch] : image(s).alive)
        alive += (alive.empty() ? "" : " ") + name_of(id);
    text.emplace_back("controller", fmt::format("leader {}, epoch {}, ISR {}, alive {{{}}}",
                                                p->leader == kNoNode ? "none" : name_of(p->leader),
                                                p->leader_epoch.value, text_of(p->isr), alive));
    for (std::int32_t b = 1; b <= options_.brokers; ++b) {
        const SmallHost& host = s.world.host(NodeId{b});
        const auto& broker = std::get<Broker>(host.node);
        const Partition* replica = find_partition(broker, partition());
        std::string value = host.is_up ? "" : "down, ";
        value += replica == nullptr ? "no replica" : text_of(*replica);
        if (host.is_up) value += phase_of(broker, partition());
        if (!host.unsynced.empty()) value += fmt::format(", {} unsynced", host.unsynced.size());
        text.emplace_back(fmt::format("broker {}", b), value);
    }
    std::string flight;
    for (const SmallPipe& pipe : s.world.pipes()) {
        for (const Shared<Deliver>& m : pipe.messages) {
            const NodeId from = pipe.responses ? pipe.connection.server : pipe.connection.client;
            const NodeId to = pipe.responses ? pipe.connection.client : pipe.connection.server;
            flight += fmt::format("{}{} {} -> {}", flight.empty() ? "" : "; ", kind_of(m->message),
                                  name_of(from), name_of(to));
        }
    }
    text.emplace_back("in flight", flight.empty() ? "nothing" : flight);
    std::string writes;
    for (std::size_t i = 0; i < batches_.size(); ++i) {
        static constexpr const char* kSent[] = {"not sent", "waits", "acknowledged", "failed",
                                                "unknown"};
        writes += fmt::format("{}w{} {}", writes.empty() ? "" : ", ", i + 1,
                              kSent[static_cast<std::size_t>(s.writes[i])]);
        if (s.writes[i] != Sent::no) writes += fmt::format(" by {}", s.sent_to[i]);
    }
    text.emplace_back("writes", writes.empty() ? "none" : writes);
    const std::uint64_t holds = predicates(s);
    std::string broken;
    for (std::size_t i = 0; i < properties_.size(); ++i) {
        if (properties_[i].kind != PropertyKind::always || ((holds >> i) & 1) != 0) continue;
        broken += (broken.empty() ? "" : " ") + std::string(properties_[i].name);
    }
    if (!broken.empty()) text.emplace_back("broken", broken);
    return text;
}

}  // namespace tribunal
