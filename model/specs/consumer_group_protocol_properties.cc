// What must hold in the KIP-848 model, which of its steps are fair, which commute, and which states
// are one but for the clients' names.
#include <algorithm>
#include <bit>

#include "model/specs/consumer_group_protocol.h"

namespace tribunal::consumer_group {
namespace {

constexpr std::array<std::string_view, 12> kActionNames = {
    "SendHeartbeatRequest",
    "ReceiveErrorResponse",
    "ReceiveSuccessResponse",
    "CompleteReconciliation",
    "StartLeaveGroup",
    "CompleteLeaveGroup",
    "ClientCrash",
    "ReceiveRegularHeartbeatRequest",
    "ReceiveLeaveHeartbeatRequest",
    "ReceiveBadHeartbeatRequest",
    "LiveMemberExpired",
    "DeadMemberExpired",
};

constexpr int kNotConverged = 9;  // a trigger, behind the properties
constexpr std::array<PropertySpec, 9> kProperties = {{
    {"TypeOK"},
    {"LegalTargetAssignment"},
    {"NoDoubleClientAssignment"},
    {"ValidPartitionEpoch"},
    {"ValidStableGroupState"},
    {"ValidMemberEpoch"},
    {"ClientSideMemberEpochIsMonotonic"},
    {"GcSideMemberEpochIsMonotonic"},
    {"EventuallyConverges", PropertyKind::eventually, kNotConverged},
}};

// The steps that each client's conjuncts of Fairness speak of; perturbations are never due.
constexpr std::array<Step, 8> kFairSteps = {
    Step::send_heartbeat_request,
    Step::receive_error_response,
    Step::receive_success_response,
    Step::complete_reconciliation,
    Step::complete_leave_group,
    Step::receive_regular_heartbeat_request,
    Step::receive_leave_heartbeat_request,
    Step::receive_bad_heartbeat_request,
};

const Member& member_at(const ViewVariables& s, int member_id) {
    return s.members[static_cast<std::size_t>(member_id - 1)];
}
bool is_member(const ViewVariables& s, int member_id) {
    return member_id != 0 && member_at(s, member_id).host != 0;
}

bool type_ok(const Variables& s, const Rules& rules) {
    const auto is_set = [](SmallSet set, SmallSet all) { return set.within(all); };
    const auto is_set_or_nil = [](SmallSet set, SmallSet all) {
        return set == kNil || set.within(all);
    };
    const SmallSet topics = rules.all_topics();
    const SmallSet all = rules.all_partitions();
    for (const Member& m : s.members) {
        if (m.host == 0) continue;
        const bool is_good =
            m.host <= rules.config().clients && m.member_epoch >= 0 && m.target_epoch >= 0 &&
            is_set(m.subscribed, topics) && is_set(m.assigned_partitions, all) &&
            is_set(m.pending_revoke_partitions, all) && is_set(m.pending_assign_partitions, all) &&
            is_set_or_nil(m.cached_topic_partitions, all);
        if (!is_good) return false;
    }
    for (int i = 0; i < rules.config().clients; ++i) {
        const Client& c = s.clients[static_cast<std::size_t>(i)];
        const bool is_good =
            c.member_epoch >= kLeaveGroupMemberEpoch && c.status != ClientStatus::illegal_state &&
            is_set(c.subscribed, topics) && is_set(c.curr_assignment, all) &&
            is_set(c.target_assignment, all) && is_set_or_nil(c.last_sent_partitions, all) &&
            c.recon_epoch_on_start >= 0 && is_set_or_nil(c.recon_assignment, all) &&
            is_set_or_nil(c.leave_assignment, all);
        if (!is_good) return false;
    }
    const auto is_assignment = [&](SmallSet set) { return is_set_or_nil(set, all); };
    const auto is_natural = [](std::int8_t epoch) { return epoch >= 0; };
    return s.group_epoch >= 0 && s.target_epoch >= 0 &&
           std::all_of(s.target_assignment.begin(), s.target_assignment.end(), is_assignment) &&
           std::all_of(s.group_partition_epoch.begin(), s.group_partition_epoch.end(), is_natural);
}

// Every partition is somebody's, and nobody else's; before the first assignment nobody's.
bool legal_target_assignment(const ViewVariables& s, const Rules& rules) {
    bool has_members = false;
    SmallSet owned;
    for (const SmallSet assignment : s.target_assignment) {
        if (assignment == kNil) continue;
        if (!(owned & assignment).empty()) return false;
        has_members = true;
        owned = owned | assignment;
    }
    return !has_members || owned == rules.all_partitions();
}

bool no_double_client_assignment(const ViewVariables& s) {
    SmallSet owned;
    for (const Client& c : s.clients) {
        if (!is_member(s, c.member_id)) continue;
        if (!(owned & c.curr_assignment).empty()) return false;
        owned = owned | c.curr_assignment;
    }
    return true;
}

// A partition of which the coordinator keeps no epoch is nobody's.
bool valid_partition_epoch(const ViewVariables& s, int partitions) {
    SmallSet held;
    for (const Member& m : s.members) {
        held = held | m.assigned_partitions | m.pending_revoke_partitions;
    }
    for (int p = 0; p < partitions; ++p) {
        if (s.group_partition_epoch[static_cast<std::size_t>(p)] == 0 && held.contains(p)) {
            return false;
        }
    }
    return true;
}

bool valid_stable_group_state(const ViewVariables& s) {
    if (s.group_status != GroupStatus::stable) return true;
    for (std::size_t i = 0; i < s.members.size(); ++i) {
        const Member& m = s.members[i];
        if (m.host == 0) continue;
        if (m.status != MemberStatus::stable || m.member_epoch != s.group_epoch ||
            !m.pending_revoke_partitions.empty() ||
            m.assigned_partitions != s.target_assignment[i]) {
            return false;
        }
    }
    return true;
}

// A client at the target epoch owns nothing that the target assignment gives to another member.
bool valid_member_epoch(const ViewVariables& s, int clients) {
    for (int i = 0; i < clients; ++i) {
        const Client& c = s.clients[static_cast<std::size_t>(i)];
        if (c.member_epoch != s.target_epoch) continue;
        for (std::size_t j = 0; j < s.target_assignment.size(); ++j) {
            if (s.target_assignment[j] == kNil || c.member_id == j + 1) continue;
            if (!(s.target_assignment[j] & c.curr_assignment).empty()) return false;
        }
    }
    return true;
}

using Words = std::array<std::uint64_t, sizeof(Variables) / sizeof(std::uint64_t)>;

}  // namespace

std::span<const std::string_view> Rules::action_names() const { return kActionNames; }
std::span<const PropertySpec> Rules::properties() const { return kProperties; }

bool is_converged(const ViewVariables& s, int clients) {
    if (s.group_status != GroupStatus::stable) return false;
    for (int i = 0; i < clients; ++i) {
        const Client& c = s.clients[static_cast<std::size_t>(i)];
        if (c.status != ClientStatus::stable || c.member_epoch != s.group_epoch ||
            !is_member(s, c.member_id)) {
            return false;
        }
    }
    return std::all_of(s.members.begin(), s.members.end(), [&](const Member& m) {
        return m.host == 0 || (m.status == MemberStatus::stable && m.member_epoch == s.group_epoch);
    });
}

std::uint8_t broken_steps_of(const ViewVariables& before, const ViewVariables& after) {
    std::uint8_t broken = 0;
    for (std::size_t i = 0; i < before.clients.size(); ++i) {
        const Client& old = before.clients[i];
        const Client& now = after.clients[i];
        if (now.member_epoch > 0 && now.member_epoch < old.member_epoch) {
            broken |= kClientSideMemberEpochFell;
        }
        if (!is_member(before, old.member_id) || !is_member(after, old.member_id) ||
            !is_member(after, now.member_id)) {
            continue;
        }
        if (member_at(after, now.member_id).member_epoch <
            member_at(before, old.member_id).member_epoch) {
            broken |= kGcSideMemberEpochFell;
        }
    }
    return broken;
}

std::uint64_t Rules::predicates(const Variables& s) const {
    std::uint64_t bits = 0;
    int next = 0;
    const auto append = [&](bool holds) {
        bits |= std::uint64_t{holds} << next;
        ++next;
    };
    const bool converged = is_converged(s, config_.clients);
    append(type_ok(s, *this));
    append(legal_target_assignment(s, *this));
    append(no_double_client_assignment(s));
    append(valid_partition_epoch(s, partitions()));
    append(valid_stable_group_state(s));
    append(valid_member_epoch(s, config_.clients));
    append((s.broken_steps & kClientSideMemberEpochFell) == 0);
    append((s.broken_steps & kGcSideMemberEpochFell) == 0);
    append(converged);
    append(!converged);
    return bits;
}

Variables Rules::least_renaming(const Variables& s) const {
    Variables least = s;
    Words least_words = std::bit_cast<Words>(s);
    for (const auto& renamed : renamings_) {
        Variables image = s;
        for (std::size_t i = 0; i < s.clients.size(); ++i) {
            image.clients[renamed[i + 1] - std::size_t{1}] = s.clients[i];
        }
        for (Member& m : image.members) m.host = renamed[m.host];
        auto end = image.messages.begin();
        for (; end != image.messages.end() && end->type != MessageType::none; ++end) {
            end->client = renamed[end->client];
        }
        std::sort(image.messages.begin(), end);
        image.last_discard.client = renamed[image.last_discard.client];
        const Words words = std::bit_cast<Words>(image);
        if (words < least_words) {
            least = image;
            least_words = words;
        }
    }
    return least;
}

// Every step that sends, receives or expires meets others at the network (whose last discard is a
// variable) or the group; what is left are a client's own steps.
Footprint Rules::footprint(const Variables& s, Action action) const {
    constexpr std::uint64_t kGroup = std::uint64_t{1} << 16;
    constexpr std::uint64_t kNetwork = std::uint64_t{1} << 17;
    constexpr std::uint64_t kPerturbations = std::uint64_t{1} << 18;
    constexpr std::uint64_t kAllClients = 0xff;
    const Detail detail = detail_of(action);
    const auto client = [](int c) { return std::uint64_t{1} << (c - 1); };
    // Apart, because a reply asks only whether its connection still exists.
    const auto connection = [](int c) { return std::uint64_t{1} << (c + 7); };
    const auto state_of = [&](int c) -> const Client& {
        return s.clients[static_cast<std::size_t>(c - 1)];
    };
    Footprint f;
    switch (static_cast<Step>(action.kind)) {
        case Step::send_heartbeat_request: {
            const bool perturbs =
                SmallSet{static_cast<std::uint8_t>(detail.what)} != state_of(detail.who).subscribed;
            f.reads = kAllClients | kGroup | kPerturbations;
            f.writes = client(detail.who) | connection(detail.who) | kNetwork |
                       Footprint::kPredicates | (perturbs ? kPerturbations : 0);
            break;
        }
        case Step::receive_error_response:
        case Step::receive_success_response: {
            const int c = message_on(s, detail.who).client;
            f.reads = connection(c);
            f.writes = client(c) | kNetwork | Footprint::kPredicates;
            break;
        }
        case Step::complete_reconciliation: {
            const Client& c = state_of(detail.who);
            const bool is_current =
                c.status == ClientStatus::reconciling && c.recon_epoch_on_start == c.member_epoch;
            f.writes = client(detail.who) | (is_current ? Footprint::kPredicates : 0);
            break;
        }
        case Step::complete_leave_group: {
            const bool leaves = state_of(detail.who).status == ClientStatus::prepare_leaving;
            f.writes = client(detail.who) | (leaves ? Footprint::kPredicates : 0);
            break;
        }
        case Step::start_leave_group:
            f.writes = client(detail.who) | kPerturbations | Footprint::kPredicates;
            break;
        case Step::client_crash:
            f.writes = client(detail.who) | connection(detail.who) | kPerturbations |
                       Footprint::kPredicates;
            break;
        case Step::receive_bad_heartbeat_request:
        case Step::receive_regular_heartbeat_request:
        case Step::receive_leave_heartbeat_request:
            f.reads = connection(message_on(s, detail.who).client);
            f.writes = kGroup | kNetwork | Footprint::kPredicates;
            break;
        case Step::live_member_expired:
            f.writes = kGroup | kPerturbations | Footprint::kPredicates;
            break;
        case Step::dead_member_expired:
            f.reads = kAllClients;
            f.writes = kGroup | Footprint::kPredicates;
            break;
    }
    return f;
}

std::vector<FairnessClass> Rules::fairness() const {
    std::vector<FairnessClass> conjuncts;
    for (int c = 1; c <= config_.clients; ++c) {
        for (const Step step : kFairSteps) {
            const std::string name(kActionNames[static_cast<std::size_t>(step)]);
            conjuncts.push_back({name + "(c" + std::to_string(c) + ")", FairnessKind::weak});
        }
    }
    conjuncts.push_back({"DeadMemberExpired", FairnessKind::weak});
    return conjuncts;
}

std::uint64_t Rules::fair_classes(const Variables& s, Action action) const {
    const auto step = static_cast<Step>(action.kind);
    const auto per_client = static_cast<int>(kFairSteps.size());
    if (step == Step::dead_member_expired) {
        return std::uint64_t{1} << (config_.clients * per_client);
    }
    const auto* found = std::find(kFairSteps.begin(), kFairSteps.end(), step);
    if (found == kFairSteps.end()) return 0;
    const int who = detail_of(action).who;
    const bool has_client = step == Step::send_heartbeat_request ||
                            step == Step::complete_reconciliation ||
                            step == Step::complete_leave_group;
    const int client = has_client ? who : message_on(s, who).client;
    return std::uint64_t{1} << ((client - 1) * per_client + (found - kFairSteps.begin()));
}

}  // namespace tribunal::consumer_group
