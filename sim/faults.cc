#include "sim/faults.h"

namespace tribunal {

std::string_view name_of(FaultKind kind) {
    switch (kind) {
        case FaultKind::kill:
            return "kill";
        case FaultKind::power_loss:
            return "power_loss";
        case FaultKind::restart:
            return "restart";
        case FaultKind::stop:
            return "stop";
        case FaultKind::upgrade:
            return "upgrade";
        case FaultKind::wipe:
            return "wipe";
        case FaultKind::pause:
            return "pause";
        case FaultKind::resume:
            return "resume";
        case FaultKind::isolate:
            return "isolate";
        case FaultKind::cut:
            return "cut";
        case FaultKind::heal_link:
            return "heal_link";
        case FaultKind::slow_link:
            return "slow_link";
        case FaultKind::jam:
            return "jam";
        case FaultKind::reset:
            return "reset";
        case FaultKind::slow_disk:
            return "slow_disk";
        case FaultKind::full_disk:
            return "full_disk";
        case FaultKind::disk_error:
            return "disk_error";
        case FaultKind::clock_offset:
            return "clock_offset";
        case FaultKind::clock_drift:
            return "clock_drift";
    }
    return "unknown";
}

std::string_view name_of(TargetKind kind) {
    switch (kind) {
        case TargetKind::none:
            return "none";
        case TargetKind::node:
            return "node";
        case TargetKind::leader:
            return "leader";
        case TargetKind::followers:
            return "followers";
        case TargetKind::follower:
            return "follower";
        case TargetKind::replicas:
            return "replicas";
        case TargetKind::isr:
            return "isr";
        case TargetKind::out_of_sync:
            return "out_of_sync";
        case TargetKind::controller:
            return "controller";
        case TargetKind::controllers:
            return "controllers";
        case TargetKind::coordinator:
            return "coordinator";
        case TargetKind::crashed:
            return "crashed";
        case TargetKind::rack:
            return "rack";
        case TargetKind::any_broker:
            return "any broker";
        case TargetKind::brokers:
            return "brokers";
        case TargetKind::clients:
            return "clients";
    }
    return "unknown";
}

}  // namespace tribunal
