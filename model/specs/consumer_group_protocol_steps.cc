// The next-state relation of the KIP-848 model: which steps a state has, and taking one.
#include <algorithm>
#include <stdexcept>

#include "model/specs/consumer_group_protocol.h"

namespace tribunal::consumer_group {
namespace {

std::uint64_t power(std::uint64_t base, int exponent) {
    std::uint64_t product = 1;
    for (int i = 0; i < exponent; ++i) product *= base;
    return product;
}

SmallSet first(int n) { return {static_cast<std::uint8_t>((1 << n) - 1)}; }

}  // namespace

Action action_of(Step step, Detail detail) {
    if (detail.who < 0 || detail.who >= kDetailWho || detail.what < 0 ||
        detail.what >= kDetailWhat) {
        throw std::length_error("consumer_group_protocol: a step that cannot be packed");
    }
    return {static_cast<std::uint16_t>(step),
            static_cast<std::uint16_t>(detail.who + detail.what * kDetailWho)};
}

Detail detail_of(Action action) { return {action.detail % kDetailWho, action.detail / kDetailWho}; }

Rules::Rules(const Config& config) : config_(config) {
    const auto refuse_unless = [](bool is_good, const char* why) {
        if (!is_good) throw std::invalid_argument(why);
    };
    refuse_unless(config.clients >= 1 && config.clients <= kMaxClients, "Clients must be 1 to 4");
    refuse_unless(
        config.topics >= 1 && config.partitions_per_topic >= 1 && partitions() <= kMaxPartitions,
        "TopicCount * PartitionsPerTopic must be 1 to 6");
    refuse_unless(
        config.max_perturbations >= 0 && config.clients + config.max_perturbations <= kMaxMembers,
        "Clients + MaxPerturbations must be at most 8");
    refuse_unless(power(static_cast<std::uint64_t>(config.clients + config.max_perturbations),
                        partitions()) <= kDetailWhat,
                  "(Clients + MaxPerturbations) ^ (TopicCount * PartitionsPerTopic), the number of "
                  "target assignments, must be at most 4096");

    std::array<std::uint8_t, kMaxClients + 1> renaming{0, 1, 2, 3, 4};
    const auto begin = renaming.begin() + 1;
    while (std::next_permutation(begin, begin + config.clients)) renamings_.push_back(renaming);
}

SmallSet Rules::all_topics() const { return first(config_.topics); }
SmallSet Rules::all_partitions() const { return first(partitions()); }

Variables Rules::initial() const {
    Variables s;
    s.target_assignment.fill(kNil);
    for (int c = 0; c < config_.clients; ++c) {
        s.clients[static_cast<std::size_t>(c)].subscribed = all_topics();
    }
    return s;
}

std::vector<Action> Rules::enabled(const Variables& s) const {
    std::vector<Action> out;
    out.reserve(32);
    for (int c = 1; c <= config_.clients; ++c) {
        enabled_at_client(s, c, out);
        enabled_at_coordinator(s, c, out);
    }
    for (int id = 1; id <= kMaxMembers; ++id) {
        const Member& member = s.members[static_cast<std::size_t>(id - 1)];
        if (member.host == 0) continue;
        const Client& host = s.clients[static_cast<std::size_t>(member.host - 1)];
        if (host.member_id != id && host.member_id != 0 && host.status != ClientStatus::joining) {
            out.push_back(action_of(Step::dead_member_expired, {.what = id}));
        }
    }
    return out;
}

void Rules::enabled_at_client(const Variables& s, int c, std::vector<Action>& out) const {
    const Client& client = s.clients[static_cast<std::size_t>(c - 1)];
    const bool may_perturb = s.aux_perturb_ctr < config_.max_perturbations;
    if (!client.has_inflight && !is_converged(s, config_.clients)) {
        if (may_perturb) {
            for (int topics = 1; topics <= all_topics().bits; ++topics) {
                out.push_back(action_of(Step::send_heartbeat_request, {c, topics}));
            }
        } else {
            out.push_back(action_of(Step::send_heartbeat_request, {c, client.subscribed.bits}));
        }
    }
    for (const Step step : {Step::receive_error_response, Step::receive_success_response}) {
        for (const Message& m : s.messages) {
            if (m.type != MessageType::heartbeat_response || m.client != c) continue;
            if (m.connection_id != client.connection_id) continue;
            const bool is_error = m.error != Error::none;
            if (is_error != (step == Step::receive_error_response)) continue;
            out.push_back(action_of(step, {.who = m.connection_id}));
        }
    }
    if (client.recon_assignment != kNil) {
        out.push_back(action_of(Step::complete_reconciliation, {.who = c}));
    }
    if (may_perturb && client.member_epoch > 0 && client.status != ClientStatus::unsubscribed &&
        client.status != ClientStatus::prepare_leaving && client.status != ClientStatus::leaving) {
        out.push_back(action_of(Step::start_leave_group, {.who = c}));
    }
    if (client.leave_assignment != kNil) {
        out.push_back(action_of(Step::complete_leave_group, {.who = c}));
    }
    if (may_perturb && client.member_epoch > 0) {
        out.push_back(action_of(Step::client_crash, {.who = c}));
    }
}

void Rules::enabled_at_coordinator(const Variables& s, int c, std::vector<Action>& out) const {
    const auto for_requests = [&](auto&& use) {
        for (const Message& m : s.messages) {
            if (m.type == MessageType::heartbeat_request && m.client == c) use(m);
        }
    };
    for_requests([&](const Message& m) {
        if (!is_unknown(s, m) && !should_fence(s, m) && !is_leaving(s, m)) {
            enabled_regular(s, m, out);
        }
    });
    for_requests([&](const Message& m) {
        if (is_leaving(s, m)) {
            out.push_back(
                action_of(Step::receive_leave_heartbeat_request, {.who = m.connection_id}));
        }
    });
    for_requests([&](const Message& m) {
        if (is_unknown(s, m) || should_fence(s, m)) {
            out.push_back(action_of(Step::receive_bad_heartbeat_request, {.who = m.connection_id}));
        }
    });
    if (s.aux_perturb_ctr >= config_.max_perturbations) return;
    for (int id = 1; id <= kMaxMembers; ++id) {
        if (s.members[static_cast<std::size_t>(id - 1)].host == c) {
            out.push_back(action_of(Step::live_member_expired, {c, id}));
        }
    }
}

// One step for each complete assignment to subscribed members; none at all while a topic has no
// subscriber.
void Rules::enabled_regular(const Variables& s, const Message& m, std::vector<Action>& out) const {
    const RegularHeartbeat r = regular_heartbeat(s, m);
    if (!r.needs_target) {
        out.push_back(action_of(Step::receive_regular_heartbeat_request, {.who = m.connection_id}));
        return;
    }
    std::array<SmallSet, kMaxMembers> subscribed{};
    for (const int id : r.member_ids) {
        const auto place = static_cast<std::size_t>(id - 1);
        subscribed[place] = id == r.member_id ? r.member.subscribed : s.members[place].subscribed;
    }
    const std::uint64_t count = power(r.member_ids.size(), partitions());
    for (std::uint64_t number = 0; number < count; ++number) {
        std::uint64_t digits = number;
        bool is_legal = true;
        for (int p = 0; p < partitions() && is_legal; ++p) {
            const int owner = r.member_ids[digits % r.member_ids.size()];
            is_legal = subscribed[static_cast<std::size_t>(owner - 1)].contains(topic_of(p));
            digits /= r.member_ids.size();
        }
        if (!is_legal) continue;
        out.push_back(action_of(Step::receive_regular_heartbeat_request,
                                {m.connection_id, static_cast<int>(number)}));
    }
}

std::array<SmallSet, kMaxMembers> Rules::numbered_assignment(std::span<const int> member_ids,
                                                             int number) const {
    std::array<SmallSet, kMaxMembers> assignment;
    assignment.fill(kNil);
    for (const int id : member_ids) assignment[static_cast<std::size_t>(id - 1)] = {};
    auto digits = static_cast<std::size_t>(number);
    for (int p = 0; p < partitions(); ++p) {
        const int owner = member_ids[digits % member_ids.size()];
        assignment[static_cast<std::size_t>(owner - 1)].add(p);
        digits /= member_ids.size();
    }
    return assignment;
}

Variables Rules::apply(const Variables& s, Action action) const {
    Variables n = s;
    const Detail detail = detail_of(action);
    const auto client = [&](int c) -> Client& {
        return n.clients[static_cast<std::size_t>(c - 1)];
    };
    switch (static_cast<Step>(action.kind)) {
        case Step::send_heartbeat_request:
            send_heartbeat_request(n, detail.who, SmallSet{static_cast<std::uint8_t>(detail.what)});
            break;
        case Step::receive_error_response: {
            const Message& m = message_on(s, detail.who);
            receive_error_response(client(m.client));
            discard(n, m);
            break;
        }
        case Step::receive_success_response: {
            const Message& m = message_on(s, detail.who);
            receive_success_response(client(m.client), m);
            discard(n, m);
            break;
        }
        case Step::complete_reconciliation:
            complete_reconciliation(client(detail.who));
            break;
        case Step::start_leave_group:
            start_leave_group(client(detail.who));
            ++n.aux_perturb_ctr;
            break;
        case Step::complete_leave_group:
            complete_leave_group(client(detail.who));
            break;
        case Step::client_crash:
            client_crash(n, detail.who);
            break;
        case Step::receive_regular_heartbeat_request:
            receive_regular(n, message_on(s, detail.who), detail.what);
            break;
        case Step::receive_leave_heartbeat_request:
            receive_leave(n, message_on(s, detail.who));
            break;
        case Step::receive_bad_heartbeat_request:
            receive_bad(n, message_on(s, detail.who));
            break;
        case Step::live_member_expired:
            fence_member(n, detail.what);
            ++n.aux_perturb_ctr;
            break;
        case Step::dead_member_expired:
            fence_member(n, detail.what);
            break;
    }
    n.broken_steps = static_cast<std::uint8_t>(n.broken_steps | broken_steps_of(s, n));
    return n;
}

}  // namespace tribunal::consumer_group
