// The machine under a node: carries out what its logic wants, keeps its timers, starts and ends its
// process.
#include <algorithm>

#include "broker/base/check.h"
#include "sim/world.h"

namespace tribunal {

Duration World::local(const Host& host, Duration d) const {
    // A clock that runs fast lets timers fire early.
    if (host.clock_ppm == 0) return d;
    // Several drifts add up; at a million parts per million no timer would ever leave its instant.
    constexpr std::int64_t kMaxPpm = 500'000;
    const std::int64_t ppm = std::clamp(host.clock_ppm, -kMaxPpm, kMaxPpm);
    return d - d / 1'000'000 * ppm;
}

void World::arm(Host& host, std::size_t index, const Arm& arm, Chooser& chooser) {
    const Instant since = arm.since.opaque == now_.value ? now_ : Instant{arm.since.opaque};
    Duration after = arm.after;
    if (arm.jitter > Duration{}) {
        const std::uint64_t point =
            chooser.choose(ChoiceKind::timer_jitter, static_cast<std::uint32_t>(index), 1ull << 32);
        // In microseconds, so that the product fits.
        after = after + microseconds(static_cast<std::int64_t>(
                            static_cast<std::uint64_t>(arm.jitter.value / 1'000) * point >> 32));
    }
    Instant deadline = since + local(host, after);
    if (deadline < now_) deadline = now_;
    HostTimer& timer = host.timers[arm.timer];
    timer.deadline = deadline;
    // The queue is asked to come back at the earliest deadline only: a timer that is pushed out
    // over and over (a time-out of requests that are answered) costs nothing in the queue.
    if (timer.queued <= deadline) return;
    timer.queued = deadline;
    queue_.push(deadline, static_cast<std::uint32_t>(index),
                static_cast<std::uint32_t>(EventKind::timer), arm.timer.value);
}

void World::carry_out(std::size_t index, Outbox& out, Chooser& chooser, Observer* observer) {
    if (out.effects.empty()) return;
    Host& host = hosts[index].edit();
    const NodeId self = ids[index];
    // What follows a write in the same step leaves the node after it.
    Instant at = now_;
    for (Effect& effect : out.effects) {
        if (auto* send_effect = std::get_if<Send>(&effect)) {
            send(self, at, std::move(*send_effect), chooser, observer);
        } else if (auto* write_effect = std::get_if<Write>(&effect)) {
            if (!write(host, index, *write_effect, at, chooser)) {
                // ENOSPC or EIO on the only log directory: the broker halts (Exit.halt), and
                // nothing that depended on the write leaves it.
                FaultSpec spec;
                spec.kind = FaultKind::kill;
                const std::string how = crash(index, spec, chooser, observer);
                record({now_,
                        FaultKind::kill,
                        {self},
                        {},
                        host.name + " halts: its log directory failed" + how,
                        false},
                       observer);
                return;
            }
        } else if (const auto* arm_effect = std::get_if<Arm>(&effect)) {
            arm(host, index, *arm_effect, chooser);
        } else if (const auto* disarm = std::get_if<Disarm>(&effect)) {
            if (HostTimer* timer = host.timers.find(disarm->timer)) timer->deadline = kNever;
        } else if (const auto* close_effect = std::get_if<Close>(&effect)) {
            close(close_effect->connection, self, chooser);
        } else {
            const Halt halt = std::get<Halt>(effect);
            FaultSpec spec;
            spec.kind = halt.clean ? FaultKind::stop : FaultKind::kill;
            crash(index, spec, chooser, observer);
            record({now_, spec.kind, {self}, {}, host.name + " " + halt.why, false}, observer);
            return;
        }
    }
}

void World::start_process(std::size_t index, Instant at) {
    Host& host = hosts[index].edit();
    CHECK(host.power != Power::up);
    host.power = Power::up;
    host.started = false;
    host.stopping = false;
    if (host.next_software) {
        install(host.node, (*host.next_software)->config);
        host.next_software.reset();
    }
    ++host.starts;
    queue_.push(at, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(EventKind::start),
                host.starts);
}

namespace {

// A quorum-state file is written beside the old one, flushed and renamed (FileQuorumStateStore):
// who is killed before that, finds the old one.
void abandon_quorum_state(Host& host) {
    DiskFile* file = host.disk.files.find(kQuorumStateFile);
    if (file == nullptr) return;
    for (std::size_t i = file->writes.size(); i-- > 0;) {
        std::visit([&](const auto& write) { undo(controller_of(host.node)->raft, write); },
                   **file->writes[i].metadata);
    }
    file->writes.clear();
}

}  // namespace

void World::end_process(std::size_t index, FaultKind how, Chooser& chooser, Observer* observer) {
    Host& host = hosts[index].edit();
    const bool was_up = host.power == Power::up;
    const bool machine_runs = how == FaultKind::kill || how == FaultKind::stop;
    // A process that ended is mourned by its kernel (FIN or RST); a machine without power says
    // nothing.
    if (machine_runs) close_all(ids[index], true, chooser);
    if (how == FaultKind::stop) {
        for (auto& [id, file] : host.disk.files) file.writes.clear();  // it has flushed
    }
    host.power = machine_runs ? Power::process_down : Power::off;
    host.started = false;
    host.stopping = false;
    host.timers.clear();
    host.held.clear();
    // Also a dead process: what its disk kept may have become less since (a power loss after a
    // kill).
    if (was_up || !machine_runs) host.node = restart(host.node);
    if (how == FaultKind::kill) abandon_quorum_state(host);
    if (observer != nullptr) observer->on_crash(*this, host, how);
}

void World::pause(std::size_t index) { ++hosts[index].edit().paused; }

void World::resume(std::size_t index) {
    Host& host = hosts[index].edit();
    if (host.paused == 0 || --host.paused > 0) return;
    std::vector<Event> held = std::move(host.held);
    host.held.clear();
    for (const Event& event : held) {
        if (static_cast<EventKind>(event.kind) == EventKind::timer) {
            HostTimer* timer = host.timers.find(TimerId{event.payload});
            if (timer == nullptr || timer->queued != event.at) continue;
            timer->queued = now_;
        }
        queue_.push(now_, event.node, event.kind, event.payload);
    }
}

}  // namespace tribunal
