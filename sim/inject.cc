// Faults: what happens when one strikes and when it ends, and the ledger of those that really did.
#include <algorithm>

#include "broker/base/check.h"
#include "sim/world.h"

namespace tribunal {
namespace {

constexpr Duration kLookAgain = milliseconds(100);  // whether a process has ended

std::string names(const World& world, const std::vector<NodeId>& nodes) {
    std::string text;
    for (const NodeId node : nodes) {
        if (!text.empty()) text += ", ";
        text += world.host(node).name;
    }
    return text.empty() ? "nobody" : text;
}

bool lasts(FaultKind kind) {
    switch (kind) {
        case FaultKind::restart:
        case FaultKind::resume:
        case FaultKind::heal_link:
        case FaultKind::reset:
            return false;
        default:
            return true;
    }
}

bool is_link_fault(FaultKind kind) {
    switch (kind) {
        case FaultKind::isolate:
        case FaultKind::cut:
        case FaultKind::heal_link:
        case FaultKind::slow_link:
        case FaultKind::jam:
        case FaultKind::reset:
            return true;
        default:
            return false;
    }
}

}  // namespace

void World::schedule_faults() {
    for (std::size_t i = 0; i < faults.size(); ++i) {
        queue_.push(faults[i].at, 0, static_cast<std::uint32_t>(EventKind::fault), i);
    }
}

void World::record(LedgerEntry entry, Observer* observer) {
    ledger.push_back(std::move(entry));
    if (observer != nullptr) observer->on_fault(*this, ledger.back());
}

void World::on_fault(const Event& event, Chooser& chooser, Observer* observer) {
    if (healed_) return;
    const FaultSpec& spec = faults[static_cast<std::size_t>(event.payload)];
    if (spec.every > Duration{0}) {
        const auto point =
            static_cast<std::uint32_t>(chooser.choose(ChoiceKind::fault_gap, 0, 1ull << 32));
        const Instant next = now_ + exponential(spec.every, point) + nanoseconds(1);
        if (next <= spec.until) queue_.push(next, 0, event.kind, event.payload);
        if (now_ == spec.at) return;  // the first gap begins here
    }
    inject(static_cast<std::uint32_t>(event.payload), chooser, observer);
}

std::string World::crash(std::size_t index, const FaultSpec& spec, Chooser& chooser,
                         Observer* observer) {
    if (hosts[index]->power != Power::up) {
        // A dead process can still lose what its page cache held.
        if (spec.kind == FaultKind::kill || hosts[index]->power == Power::off) return " (was down)";
    }
    std::string how;
    Host& host = hosts[index].edit();
    if (spec.kind == FaultKind::power_loss && !is_client(host.node)) {
        how = lose_unsynced(host, index, spec, chooser);
    }
    if (spec.kind == FaultKind::wipe) {
        if (Broker* b = broker_of(host.node)) {
            b->partitions.clear();
            b->clean_shutdown_file.reset();
        }
        if (Controller* c = controller_of(host.node)) *c = wiped(*c);
        host.disk.files.clear();
    }
    end_process(index, spec.kind, chooser, observer);
    return how;
}

void World::apply_link_fault(const FaultSpec& spec, const std::vector<NodeId>& nodes,
                             const std::vector<NodeId>& peers, int sign, Chooser& chooser) {
    for (const NodeId a : nodes) {
        for (const NodeId b : peers) {
            if (a == b) continue;
            const bool from_a = spec.direction != Direction::to_target;
            const bool to_a = spec.direction != Direction::from_target;
            for (const bool forward : {true, false}) {
                if (!(forward ? from_a : to_a)) continue;
                Link& l = forward ? edit_link(a, b) : edit_link(b, a);
                switch (spec.kind) {
                    case FaultKind::isolate:
                    case FaultKind::cut:
                        l.cuts += sign;
                        break;
                    case FaultKind::jam:
                        l.jams += sign;
                        break;
                    case FaultKind::slow_link:
                        l.extra_latency = l.extra_latency + spec.amount * sign;
                        break;
                    default:
                        CHECK(!"a link fault");
                }
            }
            if (sign < 0) release_held(a, b, chooser);
        }
    }
}

void World::inject(std::uint32_t index, Chooser& chooser, Observer* observer) {
    const FaultSpec& spec = faults[index];
    ActiveFault fault;
    fault.spec = index;
    fault.nodes = resolve(spec.target, chooser);
    if (spec.peer.kind == TargetKind::none) {
        for (const NodeId id : ids) {
            if (std::find(fault.nodes.begin(), fault.nodes.end(), id) == fault.nodes.end()) {
                fault.peers.push_back(id);
            }
        }
    } else {
        fault.peers = resolve(spec.peer, chooser);
    }
    std::string detail;
    switch (spec.kind) {
        case FaultKind::kill:
        case FaultKind::power_loss:
        case FaultKind::wipe:
            for (const NodeId id : fault.nodes)
                detail += crash(index_of(id), spec, chooser, observer);
            break;
        case FaultKind::stop:
        case FaultKind::upgrade:
            for (const NodeId id : fault.nodes) {
                const std::size_t i = index_of(id);
                if (spec.kind == FaultKind::upgrade) hosts[i].edit().next_software = spec.software;
                if (hosts[i]->power != Power::up) continue;
                queue_.push(now_, static_cast<std::uint32_t>(i),
                            static_cast<std::uint32_t>(EventKind::stop), hosts[i]->starts);
            }
            break;
        case FaultKind::restart:
            for (const NodeId id : fault.nodes) {
                const std::size_t i = index_of(id);
                if (hosts[i]->power == Power::up) {
                    FaultSpec kill = spec;
                    kill.kind = FaultKind::kill;
                    crash(i, kill, chooser, observer);
                }
                close_all(id, true, chooser);
                start_process(i, now_ + options.restart_time);
            }
            break;
        case FaultKind::pause:
            for (const NodeId id : fault.nodes) pause(index_of(id));
            break;
        case FaultKind::resume:
            for (const NodeId id : fault.nodes) resume(index_of(id));
            break;
        case FaultKind::isolate:
        case FaultKind::cut:
        case FaultKind::jam:
        case FaultKind::slow_link:
            apply_link_fault(spec, fault.nodes, fault.peers, 1, chooser);
            break;
        case FaultKind::heal_link:
            for (ActiveFault& other : active_faults_) {
                const FaultSpec& o = faults[other.spec];
                if (other.over || !is_link_fault(o.kind)) continue;
                const bool touches =
                    std::any_of(other.nodes.begin(), other.nodes.end(), [&](NodeId n) {
                        return std::find(fault.nodes.begin(), fault.nodes.end(), n) !=
                                   fault.nodes.end() ||
                               std::find(fault.peers.begin(), fault.peers.end(), n) !=
                                   fault.peers.end();
                    });
                if (touches) undo(other, chooser, observer);
            }
            break;
        case FaultKind::reset:
            for (const NodeId a : fault.nodes) {
                for (const NodeId b : fault.peers) {
                    std::vector<ConnectionKey> keys;
                    for (const auto& [packed, connection] : connections_) {
                        const ConnectionKey key = connection_key(packed);
                        if (is_between(key, a, b)) keys.push_back(key);
                    }
                    for (const ConnectionKey key : keys) {
                        // Both ends hear of it: something between them sent RST.
                        const Connection connection = *connections_.find(key.packed());
                        notify_closed(key, connection, false, now_ + nanoseconds(1));
                        close(key, key.client, chooser);
                    }
                }
            }
            break;
        case FaultKind::slow_disk:
        case FaultKind::full_disk:
        case FaultKind::disk_error:
            for (const NodeId id : fault.nodes) {
                Disk& disk = hosts[index_of(id)].edit().disk;
                if (spec.kind == FaultKind::slow_disk)
                    disk.extra_latency = disk.extra_latency + spec.amount;
                if (spec.kind == FaultKind::full_disk) ++disk.full;
                if (spec.kind == FaultKind::disk_error) ++disk.broken;
            }
            break;
        case FaultKind::clock_offset:
        case FaultKind::clock_drift:
            for (const NodeId id : fault.nodes) {
                Host& host = hosts[index_of(id)].edit();
                const std::int64_t since = (now_ - host.drift_since).value;
                host.clock_offset =
                    host.clock_offset + nanoseconds(since / 1'000'000 * host.clock_ppm);
                host.drift_since = now_;
                if (spec.kind == FaultKind::clock_offset)
                    host.clock_offset = host.clock_offset + spec.amount;
                if (spec.kind == FaultKind::clock_drift) host.clock_ppm += spec.ppm;
            }
            break;
    }
    std::string text = spec.text.empty() ? std::string{name_of(spec.kind)} : spec.text;
    text += " = " + names(*this, fault.nodes);
    if (is_link_fault(spec.kind) && spec.peer.kind != TargetKind::none) {
        text += " and " + names(*this, fault.peers);
    }
    LedgerEntry entry{now_, spec.kind, fault.nodes, {}, text + detail, false};
    if (is_link_fault(spec.kind)) entry.peers = fault.peers;
    record(std::move(entry), observer);
    if (!lasts(spec.kind) || fault.nodes.empty()) return;
    active_faults_.push_back(std::move(fault));
    const Duration lasts = spec.kind == FaultKind::upgrade ? kLookAgain : spec.lasts;
    if (lasts > Duration{0}) {
        queue_.push(now_ + lasts, 0, static_cast<std::uint32_t>(EventKind::fault_ends),
                    active_faults_.size() - 1);
    }
}

// Whoever restarts a process in good order waits for its end.
bool World::is_ending(const ActiveFault& fault) const {
    const FaultKind kind = faults[fault.spec].kind;
    return std::any_of(fault.nodes.begin(), fault.nodes.end(), [&](NodeId id) {
        const Host& host = *hosts[index_of(id)];
        if (kind == FaultKind::stop) return host.stopping;
        // A paused process has not even heard of it; one that died for another reason is done.
        return kind == FaultKind::upgrade && host.power == Power::up && host.next_software;
    });
}

void World::on_fault_ends(const Event& event, Chooser& chooser, Observer* observer) {
    if (healed_) return;
    ActiveFault& fault = active_faults_[static_cast<std::size_t>(event.payload)];
    if (fault.over) return;
    if (is_ending(fault)) {
        queue_.push(now_ + kLookAgain, 0, event.kind, event.payload);
        return;
    }
    undo(fault, chooser, observer);
    record({now_,
            faults[fault.spec].kind,
            fault.nodes,
            {},
            "end of " + (faults[fault.spec].text.empty()
                             ? std::string{name_of(faults[fault.spec].kind)}
                             : faults[fault.spec].text),
            true},
           observer);
}

void World::undo(ActiveFault& fault, Chooser& chooser, Observer*) {
    fault.over = true;
    const FaultSpec& spec = faults[fault.spec];
    for (const NodeId id : fault.nodes) {
        const std::size_t i = index_of(id);
        Host& host = hosts[i].edit();
        switch (spec.kind) {
            case FaultKind::kill:
            case FaultKind::stop:
            case FaultKind::upgrade:
            case FaultKind::power_loss:
            case FaultKind::wipe:
                if (host.power == Power::up) break;  // started again by something else
                close_all(id, true, chooser);
                start_process(i, now_ + options.restart_time);
                break;
            case FaultKind::pause:
                resume(i);
                break;
            case FaultKind::slow_disk:
                host.disk.extra_latency = host.disk.extra_latency - spec.amount;
                break;
            case FaultKind::full_disk:
                --host.disk.full;
                break;
            case FaultKind::disk_error:
                --host.disk.broken;
                break;
            case FaultKind::clock_offset:
                host.clock_offset = host.clock_offset - spec.amount;
                break;
            case FaultKind::clock_drift: {
                const std::int64_t since = (now_ - host.drift_since).value;
                host.clock_offset =
                    host.clock_offset + nanoseconds(since / 1'000'000 * host.clock_ppm);
                host.drift_since = now_;
                host.clock_ppm -= spec.ppm;
                break;
            }
            default:
                break;
        }
    }
    if (is_link_fault(spec.kind)) apply_link_fault(spec, fault.nodes, fault.peers, -1, chooser);
}

void World::heal(Chooser& chooser, Observer* observer) {
    healed_ = true;
    for (ActiveFault& fault : active_faults_) {
        if (!fault.over) undo(fault, chooser, observer);
    }
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        if (hosts[i]->paused > 0) {
            hosts[i].edit().paused = 1;
            resume(i);
        }
        if (hosts[i]->stopping || hosts[i]->next_software) {
            // Nobody waits any longer; whoever was to be upgraded is.
            FaultSpec kill;
            kill.kind = FaultKind::kill;
            crash(i, kill, chooser, observer);
        }
        if (hosts[i]->power == Power::up) continue;
        close_all(ids[i], true, chooser);
        start_process(i, now_ + options.restart_time);
    }
    // The workloads end; what was given is still delivered.
    Outbox out;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        if (!std::holds_alternative<Producer>(hosts[i]->node)) continue;
        out.effects.clear();
        stop(std::get<Producer>(hosts[i].edit().node), out);
        carry_out(i, out, chooser, observer);
    }
}

}  // namespace tribunal
