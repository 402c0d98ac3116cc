#include "model/worlds/quorum_world.h"

#include <algorithm>

#include "broker/base/check.h"
#include "model/worlds/small_world_steps.h"

namespace tribunal {

template class Shared<SmallHostOf<QuorumNode>>;
template class SmallWorldOf<QuorumNode>;

// --- nodes --------------------------------------------------------------------------------------

void step(QuorumNode& node, const Input& input, Outbox& out) {
    std::visit(Overloaded{
                   [&](const Start&) {
                       node = restart(node);
                       raft_start(node.raft, out);
                   },
                   [&](const Deliver& d) {
                       if (d.is_response) {
                           raft_response(node.raft, d, out);
                       } else {
                           raft_request(node.raft, d, out);
                       }
                   },
                   [&](const ConnectionClosed& c) { raft_closed(node.raft, c.connection, out); },
                   [&](const TimerFired& t) { raft_timer(node.raft, t.timer, out); },
                   [&](const WriteDone& w) { raft_write_done(node.raft, w.token, out); },
                   [&](const Stop&) { CHECK(!"nobody stops a node of a small world"); },
               },
               input);
}

QuorumNode restart(const QuorumNode& node) { return {restart(node.raft)}; }

void SmallNode<QuorumNode>::remember(const QuorumNode&, WriteOp& op,
                                     std::vector<Unsynced>& unsynced) {
    if (auto* write = std::get_if<MetadataWrite>(&op)) {
        unsynced.push_back({std::nullopt, write->log_end_before, std::move(write->dropped)});
    } else if (auto* state = std::get_if<QuorumStateWrite>(&op)) {
        unsynced.push_back({std::move(state->before), Offset{0}, {}});
    }
}

void SmallNode<QuorumNode>::sync(const WriteOp& op, std::vector<Unsynced>& unsynced) {
    // Two files.
    const bool is_state = std::holds_alternative<QuorumStateWrite>(op);
    std::erase_if(unsynced, [&](const Unsynced& u) { return u.state.has_value() == is_state; });
}

void SmallNode<QuorumNode>::lose_writes(QuorumNode& node, std::span<Unsynced> lost) {
    for (std::size_t i = lost.size(); i-- > 0;) {
        if (lost[i].state) {
            undo(node.raft, QuorumStateWrite{*lost[i].state});
        } else {
            undo(node.raft, MetadataWrite{lost[i].log_end_before, 0, lost[i].dropped});
        }
    }
}

namespace {

using Kind = QuorumWorld::Kind;
using Rule = QuorumMonitor::Rule;

constexpr NodeId kClient{1001};

// Nodes by small numbers, for actions.
constexpr std::uint16_t code_of(NodeId id) { return static_cast<std::uint16_t>(id.value & 7); }
constexpr NodeId node_of(unsigned code) { return NodeId{static_cast<std::int32_t>(code & 7)}; }
constexpr NodeId subject_of(Action a) { return node_of(a.detail); }
constexpr NodeId other_of(Action a) { return node_of(static_cast<unsigned>(a.detail) >> 3); }
Action about(Kind kind, NodeId id, unsigned more = 0) {
    return {kind, static_cast<std::uint16_t>(code_of(id) | (more << 3))};
}
constexpr ConnectionKey connection_of(Action a) {
    return {subject_of(a), other_of(a), Lane::quorum};
}

TimerId peer_timer(TimerKind kind, NodeId peer) {
    return timer(kind, static_cast<std::uint64_t>(peer.value));
}

TimerId timer_of(Action a) {
    switch (static_cast<Kind>(a.kind)) {
        case Kind::fetch_timeout:
            return timer(TimerKind::raft_fetch);
        case Kind::election_timeout:
            return timer(TimerKind::raft_election);
        case Kind::backoff_over:
            return timer(TimerKind::raft_backoff);
        case Kind::check_quorum:
            return timer(TimerKind::raft_check_quorum);
        case Kind::begin_epoch:
            return timer(TimerKind::raft_begin_epoch);
        case Kind::tell_voter:
            return timer(TimerKind::raft_update_voter);
        case Kind::retry:
            return peer_timer(TimerKind::raft_retry, other_of(a));
        case Kind::fetch_wait:
            return timer(TimerKind::raft_fetch_wait,
                         ConnectionKey{other_of(a), subject_of(a), Lane::quorum}.packed());
        default:
            CHECK(!"not a timer");
            return {};
    }
}

bool arrives_at_once(const QuorumWorld::World&, const Send& send) {
    // The script's own requests and their answers.
    return send.connection.client == kClient;
}

bool may_fire(TimerKind kind) {
    switch (kind) {
        case TimerKind::raft_election:
        case TimerKind::raft_fetch:
        case TimerKind::raft_backoff:
        case TimerKind::raft_check_quorum:
        case TimerKind::raft_begin_epoch:
        case TimerKind::raft_retry:
        case TimerKind::raft_fetch_wait:
        case TimerKind::raft_update_voter:
            return true;
        default:
            return false;
    }
}

DirectoryId directory_of(NodeId id) { return DirectoryId{id.value}; }

}  // namespace

bool QuorumWorld::State::operator==(const State& o) const {
    return used == o.used && world == o.world &&
           (monitor.is_same_object(o.monitor) || *monitor == *o.monitor);
}

// --- to begin -----------------------------------------------------------------------------------

QuorumWorld::QuorumWorld(QuorumWorldOptions options) : options_(std::move(options)) {
    CHECK(options_.voters >= 1 && options_.voters <= kMostCheckedVoters);
    CHECK(options_.observers >= 0 && options_.observers <= 1);
    options_.config.fetch_max_records = 1;
    options_.config.snapshot_max_records = 1;
    network_.keeps_unsynced = options_.bounds.power_losses > 0;
    network_.arrives_at_once = arrives_at_once;
    network_.may_fire = may_fire;
    for (std::size_t i = 0; i < QuorumMonitor::kRules; ++i) {
        properties_.push_back({QuorumMonitor::id_of(static_cast<Rule>(i)), PropertyKind::always});
    }
    if (options_.bounds.appends > 0) {
        properties_.push_back({"AllCommitted", PropertyKind::sometimes});
    }
    if (options_.bounds.epochs > 1 && options_.voters > 1) {
        properties_.push_back({"NewLeader", PropertyKind::sometimes});
    }
    if (options_.bounds.voter_changes > 0) {
        properties_.push_back({"VotersChanged", PropertyKind::sometimes});
    }
    boot();
}

void QuorumWorld::boot() {
    VoterSet voters;
    for (std::int32_t v = 1; v <= options_.voters; ++v) {
        const NodeId id{v};
        // Without KIP-853 voters are known by their ids alone.
        const DirectoryId directory =
            options_.config.reconfiguration ? directory_of(id) : kNoDirectory;
        voters.voters[id] = Voter{{id, directory}, 0};
    }
    const Shared<VoterSet> formatted{voters};
    const Shared<RaftConfig> config{options_.config};
    State& s = initial_;
    for (std::int32_t n = 1; n <= nodes(); ++n) {
        QuorumNode node;
        node.raft.self = {NodeId{n}, directory_of(NodeId{n})};
        node.raft.config = config;
        node.raft.planted_bug = options_.planted_bug;
        if (n <= options_.voters) {
            node.raft.bootstrap_voters = formatted;
        } else {
            node.raft.bootstrap_servers = {NodeId{1}};
        }
        s.world.add(std::move(node));
    }
    SmallNotes notes;
    for (std::int32_t n = 1; n <= nodes(); ++n) s.world.start(NodeId{n}, network_, notes);
    if (raft(s, NodeId{1}).leader() == nullptr) {
        s.world.fire(NodeId{1}, timer(TimerKind::raft_election), network_, notes);
    }
    const auto is_settled = [&] {
        if (!s.world.pipes().empty()) return false;
        for (std::int32_t n = 1; n <= nodes(); ++n) {
            const Raft& r = raft(s, NodeId{n});
            if (known_leader(r) != NodeId{1}) return false;
            if (r.log.end_offset != raft(s, NodeId{1}).log.end_offset) return false;
        }
        return active_epoch(raft(s, NodeId{1})).has_value();
    };
    for (int steps = 0; !is_settled(); ++steps) {
        CHECK(steps < 1000);
        if (!s.world.pipes().empty()) {
            s.world.deliver(0, network_, notes);
            continue;
        }
        for (std::int32_t n = 1; n <= nodes(); ++n) {
            const FlatSet<TimerId> armed = s.world.host(NodeId{n}).timers;
            for (const TimerId t : armed) {
                if (kind_of(t) == TimerKind::raft_retry) {
                    s.world.fire(NodeId{n}, t, network_, notes);
                }
            }
        }
    }
    observe(s, World{});
    CHECK(s.monitor->broken_rules() == 0);
    CHECK(s.monitor->committed_end() == raft(s, NodeId{1}).log.end_offset);
}

// --- what may happen ----------------------------------------------------------------------------

void QuorumWorld::enabled(const State& s, std::vector<Action>& actions) const {
    for (const SmallPipe& p : s.world.pipes()) {
        actions.push_back({p.responses ? Kind::response : Kind::request,
                           static_cast<std::uint16_t>(code_of(p.connection.client) |
                                                      (code_of(p.connection.server) << 3))});
    }
    enabled_timers(s, actions);
    enabled_script(s, actions);
    enabled_faults(s, actions);
}

void QuorumWorld::enabled_timers(const State& s, std::vector<Action>& actions) const {
    for (std::int32_t n = 1; n <= nodes(); ++n) {
        const NodeId id{n};
        const auto& host = s.world.host(id);
        if (!host.is_up) continue;
        const Raft& r = host.node.raft;
        const bool may_elect = r.epoch().value < options_.bounds.epochs;
        for (const TimerId armed : host.timers) {
            switch (kind_of(armed)) {
                case TimerKind::raft_fetch: {
                    // An observer's leads to no election; it only finds who leads instead.
                    const auto& leader = s.world.host(known_leader(r));
                    const bool is_lost = !leader.is_up || leader.node.raft.leader() == nullptr ||
                                         leader.node.raft.epoch() != r.epoch();
                    const bool stands =
                        is_voter(r) || r.planted_bug == PlantedBug::raft_observer_becomes_candidate;
                    if (stands ? may_elect : is_lost) {
                        actions.push_back(about(Kind::fetch_timeout, id));
                    }
                    break;
                }
                case TimerKind::raft_election: {
                    const auto* candidate = std::get_if<RaftCandidate>(&r.role);
                    if (may_elect && (candidate == nullptr || !candidate->backing_off)) {
                        actions.push_back(about(Kind::election_timeout, id));
                    }
                    break;
                }
                case TimerKind::raft_backoff:
                    if (may_elect) actions.push_back(about(Kind::backoff_over, id));
                    break;
                case TimerKind::raft_check_quorum:
                    if (may_elect) actions.push_back(about(Kind::check_quorum, id));
                    break;
                case TimerKind::raft_begin_epoch: {
                    bool tells = false;
                    for (const auto& [voter, unused] : voters_of(r).voters) {
                        const RaftPeer* peer = r.peers.find(voter);
                        const bool is_ready =
                            peer == nullptr || (peer->in_flight < 0 && !peer->backing_off);
                        if (voter == id || !is_ready || !s.world.host(voter).is_up) continue;
                        const Raft& other = raft(s, voter);
                        tells = tells || other.epoch() < r.epoch() ||
                                (other.epoch() == r.epoch() && known_leader(other) == kNoNode);
                    }
                    if (tells) actions.push_back(about(Kind::begin_epoch, id));
                    break;
                }
                case TimerKind::raft_retry: {
                    const NodeId peer{static_cast<std::int32_t>(key_of(armed))};
                    if (s.world.host(peer).is_up) {
                        actions.push_back(about(Kind::retry, id, code_of(peer)));
                    }
                    break;
                }
                case TimerKind::raft_fetch_wait: {
                    const NodeId fetcher{static_cast<std::int32_t>(key_of(armed) >> 32)};
                    const RaftFollower* waits = raft(s, fetcher).follower();
                    const bool has_to_tell = waits != nullptr && waits->update_due;
                    if (raft(s, fetcher).high_watermark < exposed_high_watermark(r) ||
                        has_to_tell) {
                        actions.push_back(about(Kind::fetch_wait, id, code_of(fetcher)));
                    }
                    break;
                }
                case TimerKind::raft_update_voter: {
                    const RaftFollower* follower = r.follower();
                    const bool tells = options_.bounds.voter_changes > 0 &&
                                       kraft_version_of(r) == 0 && r.config->version_upgrade;
                    if (tells && follower != nullptr && is_voter(r) && !follower->has_told &&
                        !follower->update_due) {
                        actions.push_back(about(Kind::tell_voter, id));
                    }
                    break;
                }
                default:
                    break;
            }
        }
    }
}

void QuorumWorld::enabled_script(const State& s, std::vector<Action>& actions) const {
    const QuorumBounds& bounds = options_.bounds;
    for (std::int32_t n = 1; n <= nodes(); ++n) {
        const NodeId id{n};
        if (!s.world.host(id).is_up) continue;
        const Raft& r = raft(s, id);
        if (s.used.snapshots < bounds.snapshots && r.config->snapshots &&
            r.high_watermark > r.log.start_offset) {
            actions.push_back(about(Kind::snapshot, id));
        }
        if (!active_epoch(r)) continue;
        if (s.used.appends < bounds.appends) actions.push_back(about(Kind::append, id));
        if (s.used.voter_changes >= bounds.voter_changes) continue;
        if (kraft_version_of(r) == 0 && r.config->version_upgrade) {
            if (raft_upgrade_refusal(r).empty()) {
                actions.push_back(about(Kind::upgrade_version, id));
            }
            continue;
        }
        for (std::int32_t v = 1; v <= nodes(); ++v) {
            const bool votes = voters_of(r).contains_id(NodeId{v});
            if (votes && voters_of(r).size() == 1) continue;
            actions.push_back(
                about(votes ? Kind::remove_voter : Kind::add_voter, id, static_cast<unsigned>(v)));
        }
    }
}

void QuorumWorld::enabled_faults(const State& s, std::vector<Action>& actions) const {
    const QuorumBounds& bounds = options_.bounds;
    for (std::int32_t n = 1; n <= nodes(); ++n) {
        const NodeId id{n};
        const auto& host = s.world.host(id);
        if (!host.is_up) {
            actions.push_back(about(Kind::restart_node, id));
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
        if (before == nullptr || before->connection != p.connection) {
            actions.push_back({Kind::break_connection,
                               static_cast<std::uint16_t>(code_of(p.connection.client) |
                                                          (code_of(p.connection.server) << 3))});
        }
        before = &p;
    }
}

// --- what then happens --------------------------------------------------------------------------

QuorumWorld::State QuorumWorld::next(const State& before, Action a) const {
    State s = before;
    SmallNotes notes;
    const NodeId id = subject_of(a);
    const auto ask = [&](Message message) {
        ++s.used.voter_changes;
        s.world.send_from_script({kClient, id, Lane::forwarding}, 0, std::move(message), network_,
                                 notes);
    };
    switch (static_cast<Kind>(a.kind)) {
        case Kind::request:
        case Kind::response: {
            const SmallPipe* p = s.world.find_pipe(connection_of(a), a.kind == Kind::response);
            CHECK(p != nullptr);
            s.world.deliver(static_cast<std::size_t>(p - s.world.pipes().data()), network_, notes);
            break;
        }
        case Kind::append: {
            const RegisterBrokerRecord record{NodeId{100 + ++s.used.appends}, {}, 0};
            s.world.act(
                id,
                [&](QuorumNode& node, Outbox& out) {
                    CHECK(raft_append(node.raft, node.raft.epoch(), {MetadataRecord{record}}, out));
                },
                network_, notes);
            break;
        }
        case Kind::add_voter:
            ask(AddRaftVoterRequest{{{other_of(a), directory_of(other_of(a))}, 0}});
            break;
        case Kind::remove_voter:
            ask(RemoveRaftVoterRequest{{other_of(a), directory_of(other_of(a))}});
            break;
        case Kind::upgrade_version:
            ++s.used.voter_changes;
            s.world.act(
                id, [](QuorumNode& node, Outbox& out) { raft_upgrade_version(node.raft, out); },
                network_, notes);
            break;
        case Kind::snapshot:
            ++s.used.snapshots;
            s.world.act(
                id,
                [&](QuorumNode& node, Outbox& out) {
                    std::vector<MetadataRecord> records;
                    if (node.raft.log.snapshot) records = (*node.raft.log.snapshot)->records;
                    node.raft.log.for_each(node.raft.log.start_offset, node.raft.high_watermark,
                                           [&](Offset, const RaftRecord& record) {
                                               if (record.metadata() != nullptr)
                                                   records.push_back(*record.metadata());
                                           });
                    raft_snapshot(node.raft, node.raft.high_watermark, std::move(records), out);
                    raft_clean(node.raft, out);
                },
                network_, notes);
            break;
        case Kind::kill:
            ++s.used.crashes;
            s.world.kill(id, std::nullopt, network_, notes);
            break;
        case Kind::power_loss:
            ++s.used.power_losses;
            s.world.kill(id, a.detail >> 3, network_, notes);
            break;
        case Kind::restart_node:
            s.world.start(id, network_, notes);
            break;
        case Kind::break_connection:
            ++s.used.losses;
            s.world.break_connection(connection_of(a), network_, notes);
            break;
        default:
            s.world.fire(id, timer_of(a), network_, notes);
    }
    observe(s, before.world);
    return s;
}

void QuorumWorld::observe(State& s, const World& before) const {
    std::vector<QuorumNodeView> views;
    for (const auto& host : s.world.hosts()) views.push_back({&host->node.raft, host->is_up});
    for (std::size_t i = 0; i < views.size(); ++i) {
        const bool is_new = i >= before.hosts().size();
        if (!is_new && s.world.hosts()[i].is_same_object(before.hosts()[i])) continue;
        s.monitor.edit().observe(Instant{0}, views, i);
    }
}

// --- what is asked of it ------------------------------------------------------------------------

Digest128 QuorumWorld::digest(const State& s) const {
    Digest d;
    s.world.fold_into(d);
    s.monitor->fold_into(d);
    const QuorumBounds& u = s.used;
    for (const std::int32_t used :
         {u.appends, u.crashes, u.power_losses, u.losses, u.voter_changes, u.snapshots}) {
        fold(d, used);
    }
    return d.value();
}

std::span<const std::string_view> QuorumWorld::action_names() const {
    static constexpr std::string_view kNames[] = {
        "Request",         "Response",    "FetchTimeout",  "ElectionTimeout",
        "BackoffOver",     "CheckQuorum", "BeginEpoch",    "Retry",
        "FetchWait",       "Append",      "AddVoter",      "RemoveVoter",
        "Snapshot",        "Kill",        "PowerLoss",     "Restart",
        "BreakConnection", "TellVoter",   "UpgradeVersion"};
    static_assert(std::size(kNames) == kKinds);
    return kNames;
}

std::uint64_t QuorumWorld::predicates(const State& s) const {
    std::uint64_t holds = (std::uint64_t{1} << QuorumMonitor::kRules) - 1;
    holds &= ~std::uint64_t{s.monitor->broken_rules()};
    for (std::size_t bit = QuorumMonitor::kRules; bit < properties_.size(); ++bit) {
        bool is_true = false;
        for (const auto& host : s.world.hosts()) {
            const Raft& r = host->node.raft;
            if (!host->is_up || !active_epoch(r)) continue;
            if (properties_[bit].name == "AllCommitted") {
                std::int32_t committed = 0;
                r.log.for_each(Offset{0}, r.high_watermark, [&](Offset, const RaftRecord& record) {
                    if (record.metadata() != nullptr) ++committed;
                });
                is_true = is_true || committed == options_.bounds.appends;
            } else if (properties_[bit].name == "NewLeader") {
                is_true = is_true || r.self.id != NodeId{1};
            } else {
                const VoterSet* voters = r.log.voters_before(r.high_watermark);
                is_true = is_true || (voters != nullptr && *voters != *r.bootstrap_voters &&
                                      r.bootstrap_voters->size() > 0);
            }
        }
        if (is_true) holds |= std::uint64_t{1} << bit;
    }
    return holds;
}

Footprint QuorumWorld::footprint(const State& s, Action a) const {
    // By looking: what the step changed, it wrote. A node decides by itself, so it reads what it
    // wrote; guards of timers and of the script look at the others as well.
    const State after = next(s, a);
    Footprint f;
    const auto hosts = s.world.hosts();
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        if (!hosts[i].is_same_object(after.world.hosts()[i])) f.writes |= std::uint64_t{1} << i;
    }
    const auto pipe_bit = [](const SmallPipe& p) {
        const unsigned code = code_of(p.connection.client) * 16u +
                              code_of(p.connection.server) * 2u + (p.responses ? 1u : 0u);
        return std::uint64_t{1} << (8 + code % 48);
    };
    const auto differs = [](const SmallPipe& p, const World& other) {
        const SmallPipe* q = other.find_pipe(p.connection, p.responses);
        return q == nullptr || q->digests != p.digests;
    };
    for (const SmallPipe& p : s.world.pipes()) {
        if (differs(p, after.world)) f.writes |= pipe_bit(p);
    }
    for (const SmallPipe& p : after.world.pipes()) {
        if (differs(p, s.world)) f.writes |= pipe_bit(p);
    }
    constexpr std::uint64_t kScript = std::uint64_t{1} << 7;
    if (!(s.used == after.used)) f.writes |= kScript;
    // The monitor compares a changed node with all others.
    if (!s.monitor.is_same_object(after.monitor)) {
        f.writes |= Footprint::kPredicates;
        f.reads |= (std::uint64_t{1} << hosts.size()) - 1;
    }
    f.reads |= f.writes;
    if (a.kind > Kind::response) f.reads |= (std::uint64_t{1} << hosts.size()) - 1;
    return f;
}

}  // namespace tribunal
