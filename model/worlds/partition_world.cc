#include "model/worlds/partition_world.h"

#include <algorithm>

#include "broker/base/check.h"
#include "properties/replica_view.h"

namespace tribunal {
namespace {

using Kind = PartitionWorld::Kind;
using Sent = PartitionWorld::Sent;
using Rule = ReplicationMonitor::Rule;

constexpr NodeId kAdmin{1000};
constexpr NodeId kProducer{1001};

// The monitor's rules that a step can break, in its own order; R19 and D5 are only judged at a
// run's end, and nobody reads here (R21).
constexpr std::pair<Rule, const char*> kRules[] = {
    {Rule::r1, "R1"},   {Rule::r2, "R2"},   {Rule::r3, "R3"},   {Rule::r4, "R4"},
    {Rule::r5, "R5"},   {Rule::r6, "R6"},   {Rule::r7, "R7"},   {Rule::r8, "R8"},
    {Rule::r9, "R9"},   {Rule::r10, "R10"}, {Rule::r11, "R11"}, {Rule::r12, "R12"},
    {Rule::r13, "R13"}, {Rule::r14, "R14"}, {Rule::r15, "R15"}, {Rule::r16, "R16"},
    {Rule::r17, "R17"}, {Rule::r18, "R18"}, {Rule::r20, "R20"}};

ConnectionKey produce_connection(NodeId broker) { return {kProducer, broker, Lane::general}; }

// Nodes by small numbers, for actions: brokers 1..6, the controller 0, the producer 7.
constexpr std::uint16_t code_of(NodeId id) {
    if (id == kProducer) return 7;
    return id.value >= 100 ? std::uint16_t{0} : static_cast<std::uint16_t>(id.value);
}
constexpr NodeId node_of(unsigned code) {
    if (code == 7) return kProducer;
    return code == 0 ? NodeId{100} : NodeId{static_cast<std::int32_t>(code)};
}
// A connection and, for a power loss, how many writes survive.
constexpr std::uint16_t detail_of(ConnectionKey key) {
    return static_cast<std::uint16_t>(code_of(key.client) | (code_of(key.server) << 3) |
                                      (static_cast<unsigned>(key.lane) << 6));
}
constexpr ConnectionKey connection_of(Action a) {
    return {node_of(a.detail & 7u), node_of((a.detail >> 3) & 7u),
            static_cast<Lane>((a.detail >> 6) & 7u)};
}
constexpr NodeId subject_of(Action a) { return node_of(a.detail & 7u); }

Action about(Kind kind, NodeId id, unsigned more = 0) {
    return {kind, static_cast<std::uint16_t>(code_of(id) | (more << 3))};
}

TimerId timer_of(Action a) {
    const NodeId id = subject_of(a);
    const auto other = static_cast<std::uint64_t>(node_of((a.detail >> 3) & 7u).value);
    switch (static_cast<Kind>(a.kind)) {
        case Kind::fetch_wait:
            return timer(TimerKind::fetch_wait,
                         ConnectionKey{node_of((a.detail >> 3) & 7u), id, Lane::fetch}.packed());
        case Kind::fetch_backoff:
            return timer(TimerKind::fetch_backoff, other);
        case Kind::session_expires:
            return timer(TimerKind::broker_session, other);
        case Kind::produce_time_out:
            return timer(TimerKind::produce_wait, produce_connection(id).packed());
        case Kind::alter_partition_retry:
            return timer(TimerKind::alter_partition_retry);
        case Kind::metadata_retry:
            return timer(TimerKind::metadata_retry);
        case Kind::heartbeat:
            return timer(TimerKind::heartbeat);
        case Kind::isr_check:
            return timer(TimerKind::isr_check);
        case Kind::checkpoint:
            return timer(TimerKind::checkpoint);
        case Kind::preferred_election:
            return timer(TimerKind::leader_balance);
        default:
            CHECK(!"not a timer");
            return {};
    }
}

// Whether the firing says that something took too long, and so is counted.
bool is_counted(const PartitionWorld::State& s, const ClusterImage& image, Action a) {
    switch (static_cast<Kind>(a.kind)) {
        case Kind::isr_check:
        case Kind::checkpoint:
        case Kind::produce_time_out:
            return true;
        case Kind::session_expires: {
            // Of a life that has ended, it has to come.
            const NodeId broker = node_of((a.detail >> 3) & 7u);
            const BrokerRegistration* known = image.brokers.find(broker);
            return s.world.host(broker).is_up && known != nullptr &&
                   s.world.broker(broker).broker_epoch == known->epoch;
        }
        default:
            return false;
    }
}

// Whether a broker can tell that it has learned the record. A follower looks at nothing but who
// leads; a leader, also at its ISR and at who is alive.
bool tells(const MetadataRecord& record, bool leads) {
    if (const auto* change = std::get_if<PartitionChangeRecord>(&record)) {
        return leads || change->leader.has_value();
    }
    if (std::holds_alternative<BrokerRegistrationChangeRecord>(record)) return leads;
    return !std::holds_alternative<RegisterBrokerRecord>(record);
}

bool arrives_at_once(const SmallWorld& world, const Send& send) {
    const Lane lane = send.connection.lane;
    if (lane == Lane::fetch || lane == Lane::alter_partition) return false;
    const auto* metadata = send.message.get_if<MetadataFetchResponse>();
    if (metadata == nullptr) return true;
    const Broker& broker = world.broker(send.connection.client);
    const bool leads =
        std::any_of(broker.partitions.begin(), broker.partitions.end(),
                    [](const auto& e) { return e.second.partition->leader() != nullptr; });
    return broker.serving && std::none_of(metadata->records.begin(), metadata->records.end(),
                                          [&](const auto& r) { return tells(*r, leads); });
}

PartitionView view_of(const PartitionWorld::State& s, const ClusterImage& image, const Rules& rules,
                      TopicPartition tp) {
    PartitionView view = controllers_view(image, rules, tp);
    if (view.isr == nullptr) return view;
    for (const Shared<SmallHost>& host : s.world.hosts()) {
        const auto* broker = std::get_if<Broker>(&host->node);
        if (broker == nullptr) continue;
        add_replica(view, *broker, host->is_up).standing = standing_of(*broker, host->is_up, image);
    }
    return view;
}

}  // namespace

bool PartitionWorld::State::operator==(const State& o) const {
    if (!(writes == o.writes && sent_to == o.sent_to && used == o.used && world == o.world)) {
        return false;
    }
    if (monitor.is_same_object(o.monitor)) return true;
    Digest a;
    Digest b;
    monitor->fold_into(a);
    o.monitor->fold_into(b);
    return a.value() == b.value();
}

PartitionWorld::PartitionWorld(PartitionWorldOptions options) : options_(std::move(options)) {
    CHECK(options_.brokers >= 1 && options_.brokers <= kMostCheckedBrokers);
    CHECK(options_.bounds.writes >= 0 &&
          static_cast<std::size_t>(options_.bounds.writes) <= kMostWrites);
    options_.broker.fetch_session_cache_slots = 0;
    network_.keeps_unsynced = options_.bounds.power_losses > 0;
    network_.arrives_at_once = arrives_at_once;
    const bool late = options_.bounds.timers + options_.bounds.elections > 0;
    network_.may_fire = late ? [](TimerKind kind) {
        return kind != TimerKind::request_timeout && kind != TimerKind::retention &&
               kind != TimerKind::cleaner && kind != TimerKind::metadata_wait &&
               kind != TimerKind::producer_expiration && kind != TimerKind::recovery_checkpoint &&
               kind != TimerKind::log_start_checkpoint && kind != TimerKind::flush;
    } : [](TimerKind kind) {
        return kind == TimerKind::fetch_wait || kind == TimerKind::fetch_backoff ||
               kind == TimerKind::alter_partition_retry || kind == TimerKind::metadata_retry ||
               kind == TimerKind::heartbeat || kind == TimerKind::broker_session;
    };
    for (std::int32_t i = 0; i < options_.bounds.writes; ++i) {
        BatchBuilder builder;
        Record record;
        record.value = "write " + std::to_string(i + 1);
        record.uid = RecordUid{static_cast<RecordUid::Value>(i + 1)};
        builder.append(record);
        batches_.push_back(builder.close());
    }
    for (const auto& [rule, name] : kRules) properties_.push_back({name, PropertyKind::always});
    if (options_.producer.acks != 0 && options_.bounds.writes > 0) {
        properties_.push_back({"AllAcknowledged", PropertyKind::sometimes});
    }
    const SmallWorldBounds& bounds = options_.bounds;
    if (bounds.crashes + bounds.power_losses + bounds.timers > 0 && options_.brokers > 1) {
        properties_.push_back({"NewLeader", PropertyKind::sometimes});
    }
    boot();
}

const ClusterImage& PartitionWorld::image(const State& s) const {
    return s.world.controller(controller()).image;
}

void PartitionWorld::boot() {
    State s;
    SmallNotes notes;
    s.world.add(make_controller(controller(), {controller()}, options_.broker));
    s.world.start(controller(), network_, notes);
    for (std::int32_t i = 1; i <= options_.brokers; ++i) {
        Broker broker;
        broker.id = NodeId{i};
        broker.voters = {controller()};
        broker.config = options_.broker;
        s.world.add(std::move(broker));
        s.world.start(NodeId{i}, network_, notes);
    }
    // Everything arrives, in order, until nothing is on its way.
    const auto drain = [&] {
        std::vector<Action> actions;
        for (int steps = 0;; ++steps) {
            CHECK(steps < 10'000);
            enabled(s, actions);
            const auto a = std::find_if(actions.begin(), actions.end(), [](Action x) {
                return x.kind <= Kind::metadata_response || x.kind == Kind::heartbeat;
            });
            if (a == actions.end()) return;
            s = next(s, *a);
            actions.clear();
        }
    };
    drain();
    CreateTopicRequest create;
    create.name = options_.topic_name;
    create.partitions = 1;
    create.replication_factor = static_cast<std::int16_t>(options_.brokers);
    create.assignment.emplace_back();
    for (std::int32_t i = 1; i <= options_.brokers; ++i) {
        create.assignment.front().push_back(NodeId{i});
    }
    create.config = options_.topic;
    s.world.send_from_script({kAdmin, controller(), Lane::general}, 1, create, network_, notes);
    s.world.break_connection({kAdmin, controller(), Lane::general}, network_, notes);
    s.monitor.edit().on_created(
        partition(), {options_.topic_name + "-0", options_.topic.unclean_leader_election_enable,
                      options_.topic.flush_messages == 1});
    settle(s, notes);
    drain();
    const PartitionImage* p = image(s).partition(partition());
    CHECK(p != nullptr);
    CHECK(p->leader == NodeId{1});
    CHECK(p->isr.size() == static_cast<std::size_t>(options_.brokers));
    CHECK(find_partition(s.world.broker(NodeId{1}), partition())->leader() != nullptr);
    s.used = SmallWorldBounds{0, 0, 0, 0, 0, 0, 0};
    initial_ = std::move(s);
}

// --- what may happen ----------------------------------------------------------------------------

void PartitionWorld::enabled(const State& s, std::vector<Action>& actions) const {
    // A broken promise is the end of a path.
    if (s.monitor->broken_rules() != 0) return;
    if (const PartitionImage* p = image(s).partition(partition());
        p != nullptr && options_.bounds.epochs > 0 &&
        p->leader_epoch.value > options_.bounds.epochs) {
        return;
    }
    for (const SmallPipe& p : s.world.pipes()) {
        const std::uint16_t detail = detail_of(p.connection);
        if (p.connection.lane == Lane::metadata_fetch) {
            actions.push_back({Kind::metadata_response, detail});
        } else if (p.connection.lane == Lane::fetch) {
            actions.push_back({p.responses ? Kind::fetch_response : Kind::fetch_request, detail});
        } else {
            actions.push_back(
                {p.responses ? Kind::alter_partition_response : Kind::alter_partition_request,
                 detail});
        }
    }
    enabled_timers(s, actions);
    // The next write, when the one before has been answered; to whoever says that it leads.
    const auto writes = static_cast<std::size_t>(options_.bounds.writes);
    const auto in_flight = std::count(s.writes.begin(), s.writes.end(), Sent::waits);
    const auto unsent = std::find(s.writes.begin(), s.writes.begin() + writes, Sent::no);
    if (unsent != s.writes.begin() + writes && in_flight < options_.producer.max_in_flight) {
        for (std::int32_t b = 1; b <= options_.brokers; ++b) {
            const SmallHost& host = s.world.host(NodeId{b});
            const Partition* p = find_partition(std::get<Broker>(host.node), partition());
            if (host.is_up && p != nullptr && p->leader() != nullptr) {
                actions.push_back(about(Kind::write, NodeId{b}));
            }
        }
    }
    enabled_faults(s, actions);
}

void PartitionWorld::enabled_timers(const State& s, std::vector<Action>& actions) const {
    const bool may_be_late = s.used.timers < options_.bounds.timers;
    const ClusterImage& cluster = image(s);
    const SmallHost& controller_host = s.world.host(controller());
    const auto& c = std::get<Controller>(controller_host.node);
    if (s.used.elections < options_.bounds.elections &&
        controller_host.timers.contains(timer(TimerKind::leader_balance)) &&
        !decide_preferred_leaders(c.view()).empty()) {
        actions.push_back(about(Kind::preferred_election, controller()));
    }
    for (std::int32_t b = 1; b <= options_.brokers; ++b) {
        const NodeId id{b};
        const SmallHost& host = s.world.host(id);
        const auto& broker = std::get<Broker>(host.node);
        if (controller_host.timers.contains(
                timer(TimerKind::broker_session, static_cast<std::uint64_t>(b)))) {
            const Action expires{
                Kind::session_expires,
                static_cast<std::uint16_t>(code_of(controller()) | (code_of(id) << 3))};
            if (may_be_late || !is_counted(s, cluster, expires)) actions.push_back(expires);
        }
        if (!host.is_up) continue;
        const Partition* p = find_partition(broker, partition());
        const Leader* leader = p != nullptr ? p->leader() : nullptr;
        for (const TimerId armed : host.timers) {
            switch (kind_of(armed)) {
                case TimerKind::fetch_wait: {
                    // The long poll brings the follower a higher high watermark, or the fetch after
                    // it brings the follower into the ISR.
                    const NodeId follower{static_cast<std::int32_t>(key_of(armed) >> 32)};
                    const SmallHost& other = s.world.host(follower);
                    const Partition* f = find_partition(std::get<Broker>(other.node), partition());
                    const bool outside = leader != nullptr && !leader->pending &&
                                         !leader->maximal_isr.contains(follower);
                    if (p != nullptr && f != nullptr && f->follower() != nullptr &&
                        (outside ||
                         f->high_watermark < std::min(p->high_watermark, f->log.log_end_offset))) {
                        actions.push_back(
                            {Kind::fetch_wait,
                             static_cast<std::uint16_t>(code_of(id) | (code_of(follower) << 3))});
                    }
                    break;
                }
                case TimerKind::fetch_backoff: {
                    const NodeId target{static_cast<std::int32_t>(key_of(armed))};
                    if (s.world.host(target).is_up) {
                        actions.push_back(
                            {Kind::fetch_backoff,
                             static_cast<std::uint16_t>(code_of(id) | (code_of(target) << 3))});
                    }
                    break;
                }
                case TimerKind::alter_partition_retry:
                    actions.push_back(about(Kind::alter_partition_retry, id));
                    break;
                case TimerKind::metadata_retry:
                    actions.push_back(about(Kind::metadata_retry, id));
                    break;
                case TimerKind::heartbeat: {
                    const BrokerRegistration* known = cluster.brokers.find(id);
                    const bool registers = broker.registration == Registration::none &&
                                           !c.heartbeats.sessions.contains(id);
                    const bool unfences = broker.registration == Registration::registered &&
                                          known != nullptr && known->fenced &&
                                          known->epoch == broker.broker_epoch &&
                                          broker.image_offset > Offset{known->epoch.value};
                    if (registers || unfences) actions.push_back(about(Kind::heartbeat, id));
                    break;
                }
                case TimerKind::isr_check: {
                    if (!may_be_late || leader == nullptr) break;
                    const bool tells =
                        std::any_of(leader->followers.begin(), leader->followers.end(),
                                    [&](const ReplicaProgress& r) {
                                        return r.missed_checks < kLagging ||
                                               (r.log_end != p->log.log_end_offset &&
                                                leader->isr.contains(r.node) && !leader->pending);
                                    });
                    if (tells) actions.push_back(about(Kind::isr_check, id));
                    break;
                }
                case TimerKind::checkpoint:
                    if (may_be_late && p != nullptr &&
                        p->checkpointed_high_watermark != p->high_watermark) {
                        actions.push_back(about(Kind::checkpoint, id));
                    }
                    break;
                case TimerKind::produce_wait:
                    if (may_be_late) actions.push_back(about(Kind::produce_time_out, id));
                    break;
                default:
                    break;  // see the top of partition_world.h
            }
        }
    }
}

void PartitionWorld::enabled_faults(const State& s, std::vector<Action>& actions) const {
    const SmallWorldBounds& bounds = options_.bounds;
    const FlatSet<NodeId>& sessions = s.world.controller(controller()).heartbeats.sessions;
    for (std::int32_t b = 1; b <= options_.brokers; ++b) {
        const NodeId id{b};
        const SmallHost& host = s.world.host(id);
        if (!host.is_up) {
            // Before the session of its last life is over it would only be refused.
            if (!sessions.contains(id)) actions.push_back(about(Kind::restart, id));
            continue;
        }
        if (s.used.crashes < bounds.crashes) actions.push_back(about(Kind::kill, id));
        if (s.used.power_losses < bounds.power_losses) {
            for (std::size_t kept = 0; kept <= host.unsynced.size(); ++kept) {
                actions.push_back(about(Kind::power_loss, id, static_cast<unsigned>(kept)));
            }
        }
    }
    if (s.used.losses >= bounds.losses) return;
    const SmallPipe* before = nullptr;
    for (const SmallPipe& p : s.world.pipes()) {
        // A lost metadata response is one that comes later.
        if (p.connection.lane == Lane::metadata_fetch) continue;
        if (before == nullptr || before->connection != p.connection) {
            actions.push_back({Kind::break_connection, detail_of(p.connection)});
        }
        before = &p;
    }
}

// --- what then happens --------------------------------------------------------------------------

PartitionWorld::State PartitionWorld::next(const State& before, Action a) const {
    State s = before;
    SmallNotes notes;
    const auto arrive = [&](bool responses) {
        const SmallPipe* p = s.world.find_pipe(connection_of(a), responses);
        CHECK(p != nullptr);
        s.world.deliver(static_cast<std::size_t>(p - s.world.pipes().data()), network_, notes);
    };
    switch (static_cast<Kind>(a.kind)) {
        case Kind::fetch_request:
        case Kind::alter_partition_request:
            arrive(false);
            break;
        case Kind::fetch_response:
        case Kind::alter_partition_response:
        case Kind::metadata_response:
            arrive(true);
            break;
        case Kind::write: {
            const NodeId broker = subject_of(a);
            const auto i = static_cast<std::size_t>(
                std::find(s.writes.begin(), s.writes.end(), Sent::no) - s.writes.begin());
            const bool answered = options_.producer.acks != 0;
            s.writes[i] = answered ? Sent::waits : Sent::unknown;
            s.sent_to[i] = static_cast<std::int8_t>(broker.value);
            ProduceRequest request;
            request.acks = options_.producer.acks;
            request.timeout = options_.producer.request_timeout;
            request.partitions.push_back({partition(), batches_[i]});
            s.world.send_from_script(produce_connection(broker), static_cast<std::int32_t>(i + 1),
                                     std::move(request), network_, notes);
            break;
        }
        case Kind::kill:
            ++s.used.crashes;
            s.world.kill(subject_of(a), std::nullopt, network_, notes);
            break;
        case Kind::power_loss:
            ++s.used.power_losses;
            s.world.kill(subject_of(a), a.detail >> 3, network_, notes);
            break;
        case Kind::restart:
            s.world.start(subject_of(a), network_, notes);
            join(s, subject_of(a), notes);
            break;
        case Kind::break_connection:
            ++s.used.losses;
            s.world.break_connection(connection_of(a), network_, notes);
            break;
        case Kind::preferred_election:
            ++s.used.elections;
            s.world.fire(controller(), timer_of(a), network_, notes);
            break;
        default:
            if (is_counted(s, image(s), a)) ++s.used.timers;
            s.world.fire(subject_of(a), timer_of(a), network_, notes);
    }
    settle(s, notes);
    return s;
}

// A broker that starts does nothing before the controller counts it as alive; so it starts when it
// will be, and registers, catches up and is unfenced in one step.
void PartitionWorld::join(State& s, NodeId id, SmallNotes& notes) const {
    const ConnectionKey metadata{id, controller(), Lane::metadata_fetch};
    for (int steps = 0; !image(s).alive.contains(id); ++steps) {
        CHECK(steps < 100);
        if (const SmallPipe* p = s.world.find_pipe(metadata, true)) {
            s.world.deliver(static_cast<std::size_t>(p - s.world.pipes().data()), network_, notes);
        } else {
            s.world.fire(id, timer(TimerKind::heartbeat), network_, notes);
        }
    }
}

// What the producer learns, and what the monitor sees.
void PartitionWorld::settle(State& s, const SmallNotes& notes) const {
    for (const NodeId id : notes.lossy) s.monitor.edit().on_lossy_crash(Instant{0}, id);
    if (notes.touched || notes.image_changed) {
        const PartitionView view = view_of(s, image(s), options_.broker.rules, partition());
        if (view.isr != nullptr) s.monitor.edit().observe(Instant{0}, view);
    }
    for (const Deliver& response : notes.to_script) {
        const auto* produced = response.message.get_if<ProduceResponse>();
        if (produced == nullptr) continue;
        const auto i = static_cast<std::size_t>(response.correlation - 1);
        const ProducePartitionResponse& r = produced->partitions.front();
        s.writes[i] = r.error == ErrorCode::none ? Sent::acknowledged : Sent::failed;
        if (r.error == ErrorCode::none && options_.producer.acks == -1) {
            s.monitor.edit().on_acknowledged(Instant{0}, partition(), r.base_offset,
                                             RecordUid{static_cast<RecordUid::Value>(i + 1)});
        }
    }
    for (const ConnectionKey closed : notes.closed) {
        if (closed.client != kProducer) continue;
        for (std::size_t i = 0; i < s.writes.size(); ++i) {
            if (s.writes[i] == Sent::waits && s.sent_to[i] == closed.server.value) {
                s.writes[i] = Sent::unknown;
            }
        }
    }
}

// --- what is asked of it ------------------------------------------------------------------------

Digest128 PartitionWorld::digest(const State& s) const {
    Digest d;
    s.world.fold_into(d);
    s.monitor->fold_into(d);
    for (std::size_t i = 0; i < batches_.size(); ++i) {
        d.word(static_cast<std::uint64_t>(s.writes[i]) |
               (static_cast<std::uint64_t>(s.sent_to[i]) << 8));
    }
    const SmallWorldBounds& u = s.used;
    for (const std::int32_t used : {u.crashes, u.power_losses, u.losses, u.timers, u.elections}) {
        fold(d, used);
    }
    return d.value();
}

std::span<const std::string_view> PartitionWorld::action_names() const {
    static constexpr std::string_view kNames[] = {"FetchRequest",
                                                  "FetchResponse",
                                                  "AlterPartitionRequest",
                                                  "AlterPartitionResponse",
                                                  "MetadataResponse",
                                                  "FetchWait",
                                                  "FetchBackoff",
                                                  "AlterPartitionRetry",
                                                  "MetadataRetry",
                                                  "Heartbeat",
                                                  "SessionExpires",
                                                  "IsrCheck",
                                                  "Checkpoint",
                                                  "ProduceTimeOut",
                                                  "PreferredElection",
                                                  "Write",
                                                  "Kill",
                                                  "PowerLoss",
                                                  "Restart",
                                                  "BreakConnection"};
    static_assert(std::size(kNames) == kKinds);
    return kNames;
}

std::uint64_t PartitionWorld::predicates(const State& s) const {
    const std::uint32_t broken = s.monitor->broken_rules();
    std::uint64_t holds = 0;
    std::size_t bit = 0;
    for (const auto& [rule, name] : kRules) {
        if (((broken >> static_cast<unsigned>(rule)) & 1u) == 0) holds |= std::uint64_t{1} << bit;
        ++bit;
    }
    for (; bit < properties_.size(); ++bit) {
        bool is_true = false;
        if (properties_[bit].name == "AllAcknowledged") {
            is_true = std::all_of(s.writes.begin(), s.writes.begin() + options_.bounds.writes,
                                  [](Sent w) { return w == Sent::acknowledged; });
        } else {
            const PartitionImage* p = image(s).partition(partition());
            is_true = p->leader != kNoNode && p->leader != NodeId{1};
        }
        if (is_true) holds |= std::uint64_t{1} << bit;
    }
    return holds;
}

Footprint PartitionWorld::footprint(const State& s, Action a) const {
    // By looking: what the step changed, it wrote. A node decides by itself, so it reads what it
    // wrote; guards of timers look at the controller and at their peer as well.
    const State after = next(s, a);
    Footprint f;
    const auto hosts = s.world.hosts();
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        if (!hosts[i].is_same_object(after.world.hosts()[i])) f.writes |= std::uint64_t{1} << i;
    }
    const auto pipe_bit = [](const SmallPipe& p) {
        const unsigned code = detail_of(p.connection) * 2u + (p.responses ? 1u : 0u);
        return std::uint64_t{1} << (8 + code % 48);
    };
    const auto differs = [](const SmallPipe& p, const SmallWorld& other) {
        const SmallPipe* q = other.find_pipe(p.connection, p.responses);
        return q == nullptr || q->digests != p.digests;
    };
    for (const SmallPipe& p : s.world.pipes()) {
        if (differs(p, after.world)) f.writes |= pipe_bit(p);
    }
    for (const SmallPipe& p : after.world.pipes()) {
        if (differs(p, s.world)) f.writes |= pipe_bit(p);
    }
    constexpr std::uint64_t kScript = std::uint64_t{1} << 7;  // the producer, and what is used up
    if (!(s.used == after.used) || s.writes != after.writes || a.kind == Kind::write) {
        f.writes |= kScript;
    }
    if (!s.monitor.is_same_object(after.monitor)) f.writes |= Footprint::kPredicates;
    f.reads = f.writes;
    if (a.kind > Kind::metadata_response) {
        f.reads |= (std::uint64_t{1} << hosts.size()) - 1;  // guards
    }
    if (options_.bounds.epochs > 0) f.reads |= std::uint64_t{1} << (hosts.size() - 1);
    return f;
}

}  // namespace tribunal
