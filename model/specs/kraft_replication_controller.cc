// The controller: broker registration, fencing, leader election, reassignment.
//
// In 3.5 the ISR keeps its last member whatever happens and only an unfenced member leads. KIP-966
// lets the ISR become empty: below MinISR those who leave it stay eligible (ELR), and the first of
// them to be unfenced leads, unless it came back without proof of a clean stop.
#include "model/specs/kraft_replication_steps.h"

namespace tribunal::kraft_replication {

BrokerSet Steps::unfenced() const {
    BrokerSet set = 0;
    for (Broker b = 0; b < c_.broker_count; ++b) {
        if (s_.registrations[b].unfenced != 0) set = joined(set, only(b));
    }
    return set;
}

// Every change raises the partition epoch; the last known ELR is those who left the ELR without
// the ISR having reached MinISR since. (Empty in 3.5, as the ELR is.)
Partition Steps::changed(const Partition& to) const {
    Partition next = to;
    next.partition_epoch = to_byte(partition_.partition_epoch + 1);
    const BrokerSet left = common(to.replicas, less(partition_.elr, to.elr));
    next.last_known_elr =
        size_of(to.isr) >= c_.min_isr ? BrokerSet{0} : joined(partition_.last_known_elr, left);
    return next;
}

BrokerSet Steps::elr_after(BrokerSet proposed_isr, BrokerSet replicas) const {
    if (!c_.is_kip_966() || size_of(proposed_isr) >= c_.min_isr) return 0;
    const BrokerSet left_isr = less(common(partition_.isr, replicas), proposed_isr);
    return joined(common(partition_.elr, replicas), left_isr);
}

Outcomes Steps::elections(BrokerSet isr, BrokerSet elr, BrokerSet unfenced) const {
    Outcomes outcomes;
    const Broker leader = partition_.leader;
    const bool has_leader = leader != kNoLeader;
    // 3.5 elects an unfenced member of the ISR, KIP-966 any member: none of them can be fenced.
    const BrokerSet from_isr = c_.is_kip_966() ? isr : common(isr, unfenced);
    const BrokerSet from_elr = common(elr, unfenced);
    const bool leader_stays = has_leader ? has(from_isr, leader) : from_isr == 0 && from_elr == 0;

    Partition next = partition_;
    next.isr = isr;
    next.elr = elr;
    if (leader_stays) {
        const bool same = isr == partition_.isr && elr == partition_.elr;
        outcomes.add(same ? std::nullopt : std::optional(changed(next)));
        return outcomes;
    }
    next.leader_epoch = to_byte(partition_.leader_epoch + 1);
    for (Broker b = 0; b < c_.broker_count; ++b) {
        if (!has(from_isr != 0 ? from_isr : from_elr, b)) continue;
        next.leader = b;
        if (from_isr == 0) {
            next.isr = joined(isr, only(b));
            next.elr = less(elr, only(b));
        }
        outcomes.add(changed(next));
    }
    if (outcomes.count == 0) {
        next.leader = kNoLeader;
        outcomes.add(changed(next));
    }
    return outcomes;
}

Outcomes Steps::after_fencing(Broker b) const {
    const bool is_last = !c_.is_kip_966() && size_of(partition_.isr) == 1;
    const BrokerSet isr = is_last ? partition_.isr : less(partition_.isr, only(b));
    return elections(isr, elr_after(isr, partition_.replicas), less(unfenced(), only(b)));
}

Outcomes Steps::after_unfencing(Broker b) const {
    if (partition_.leader == kNoLeader) {
        return elections(partition_.isr, partition_.elr, joined(unfenced(), only(b)));
    }
    Outcomes unchanged;
    unchanged.add(std::nullopt);
    return unchanged;
}

// KIP-966: who cannot show that it stopped cleanly may have lost what made it eligible.
Outcomes Steps::after_unclean_registration(Broker b) const {
    return elections(less(partition_.isr, only(b)), less(partition_.elr, only(b)),
                     joined(unfenced(), only(b)));
}

namespace {

unsigned choice_of(const std::optional<Partition>& outcome) {
    return outcome ? outcome->leader : kNoLeader;
}
void apply_outcome(State& next, const std::optional<Partition>& outcome) {
    if (outcome) next.metadata_log.append(*outcome);
}

}  // namespace

void Steps::receive_broker_reg_request(std::size_t message) const {
    const auto request = unpack<RegisterBrokerRequest>(s_.messages.message(message));
    const Broker b = request.source;
    const Registration& known = s_.registrations[b];
    if (known.unfenced != 0 && known.incarnation_id != request.incarnation_id) return;
    const bool is_unclean = c_.is_kip_966() && request.broker_epoch == 0;
    for (const auto& outcome : is_unclean ? after_unclean_registration(b) : after_unfencing(b)) {
        State next = s_;
        const Byte broker_epoch = to_byte(s_.broker_epoch + 1);
        next.broker_epoch = broker_epoch;
        next.registrations[b] = {1, broker_epoch, request.incarnation_id};
        next.messages.discard(s_.messages.message(message));
        next.messages.send(
            pack(RegisterBrokerResponse{b, broker_epoch, request.incarnation_id,
                                        to_byte(static_cast<int>(s_.metadata_log.size))}));
        apply_outcome(next, outcome);
        sink_(step_of_message(ActionKind::receive_broker_reg_request, message, choice_of(outcome)),
              next);
    }
}

void Steps::fence_broker(Broker b) const {
    if (s_.counters.fence_broker >= c_.fence_broker_limit) return;
    if (s_.registrations[b].unfenced == 0) return;
    for (const auto& outcome : after_fencing(b)) {
        State next = s_;
        next.registrations[b].unfenced = 0;
        ++next.counters.fence_broker;
        apply_outcome(next, outcome);
        sink_(step_of_broker(ActionKind::fence_broker, b, choice_of(outcome)), next);
    }
}

// Stands for a heartbeat that arrives again.
void Steps::unfence_broker(Broker b) const {
    if (s_.registrations[b].unfenced != 0 || !s_.brokers[b].is_running()) return;
    for (const auto& outcome : after_unfencing(b)) {
        State next = s_;
        next.registrations[b].unfenced = 1;
        apply_outcome(next, outcome);
        sink_(step_of_broker(ActionKind::unfence_broker, b, choice_of(outcome)), next);
    }
}

// A broker that stops is fenced in the same step.
void Steps::shut_down(Broker b, const BrokerSide& stopped, Action action, State next) const {
    const BrokerSide& was = s_.brokers[b];
    if (was.role == Role::leader && was.high_watermark < was.log_end_offset) {
        acknowledge(next, b, was.high_watermark, was.log_end_offset - 1, false);
    }
    next.brokers[b] = stopped;
    forget_pending_alter_partition(next, b);
    // Fetch sessions end with it: what is under way from and to it is lost, and who waits for it
    // notices.
    for (std::size_t i = 0; i < s_.messages.size; ++i) {
        if (!s_.messages.in_flight(i)) continue;
        const std::uint64_t message = s_.messages.message(i);
        const auto is_lost = [&](const auto& m) { return m.source == b || m.dest == b; };
        const MessageType type = type_of(message);
        if ((type == MessageType::fetch_request && is_lost(unpack<FetchRequest>(message))) ||
            (type == MessageType::fetch_response && is_lost(unpack<FetchResponse>(message)))) {
            next.messages.discard(message);
        }
    }
    for (Broker other = 0; other < c_.broker_count; ++other) {
        Fetcher& fetcher = next.brokers[other].fetchers[b];
        if (other == b || fetcher.pending_response == 0) continue;
        fetcher.pending_response = 0;
        if (fetcher.has_partition()) fetcher.delayed = 1;
    }
    next.registrations[b].unfenced = 0;
    const Outcomes outcomes = after_fencing(b);
    for (const auto& outcome : outcomes) {
        State last = next;
        apply_outcome(last, outcome);
        Action chosen = action;
        chosen.detail =
            static_cast<std::uint16_t>(chosen.detail | choice_of(outcome) << kBrokerDetailBits);
        sink_(chosen, last);
    }
}

void Steps::perform_partition_reassignment() const {
    if (s_.counters.reassignment >= c_.reassignment_limit) return;
    const Partition& now = partition_;
    if (now.adding != 0 || now.removing != 0) return;
    const unsigned all = c_.all_brokers();
    for (unsigned both = 1; both <= (all << kMaxBrokers | all); ++both) {
        const auto adding = static_cast<BrokerSet>(both & ((1u << kMaxBrokers) - 1));
        const auto removing = static_cast<BrokerSet>(both >> kMaxBrokers);
        if (!within(adding, c_.all_brokers()) || common(adding, now.replicas) != 0) continue;
        if (!within(removing, now.replicas)) continue;
        if (size_of(now.replicas) + size_of(adding) - size_of(removing) < c_.min_isr) continue;

        Partition to = now;
        to.replicas = joined(now.replicas, adding);
        to.adding = adding;
        to.removing = removing;
        const BrokerSet final_replicas = less(to.replicas, removing);
        const BrokerSet final_isr = less(now.isr, removing);
        // Nobody has to catch up first: it is complete as soon as it is asked for.
        if (within(adding, final_isr) && size_of(final_isr) >= c_.min_isr && final_replicas != 0) {
            to.replicas = final_replicas;
            to.isr = final_isr;
            to.elr = elr_after(final_isr, final_replicas);
            to.leader_epoch = to_byte(now.leader_epoch + 1);
            to.adding = 0;
            to.removing = 0;
        }
        for (Broker leader = 0; leader < c_.broker_count; ++leader) {
            if (!has(to.isr, leader)) continue;
            const bool keeps = now.leader != kNoLeader && has(to.isr, now.leader);
            if (keeps && leader != now.leader) continue;
            State next = s_;
            to.leader = leader;
            next.metadata_log.append(changed(to));
            ++next.counters.reassignment;
            sink_({static_cast<std::uint16_t>(ActionKind::perform_partition_reassignment),
                   static_cast<std::uint16_t>(both | static_cast<unsigned>(leader) << 8)},
                  next);
        }
    }
}

}  // namespace tribunal::kraft_replication
