// The consumer group protocol of KIP-848 as a transition system: clients that heartbeat, and a
// group coordinator that moves each member to the target assignment without ever letting two
// members own a partition.
//
// It has the variables, actions and properties of consumer_group_protocol_kip_848_v2 in
// Vanlightly/kafka-tlaplus ("candidate 2"), and with `View` none exactly its reachable states.
// One choice of target assignment is one step. Limits of the packing are refused by validate() or
// throw; a state is never cut to fit.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/search.h"

namespace tribunal::consumer_group {

inline constexpr int kMaxClients = 4;
inline constexpr int kMaxPartitions = 6;
inline constexpr int kMaxMembers = 8;   // member ids ever handed out
inline constexpr int kMaxMessages = 8;  // at a time

// Of topic partitions or of topics: bit i is the i-th of them.
struct SmallSet {
    std::uint8_t bits = 0;
    constexpr bool empty() const { return bits == 0; }
    constexpr bool contains(int i) const { return ((bits >> i) & 1) != 0; }
    constexpr void add(int i) { bits = static_cast<std::uint8_t>(bits | (1 << i)); }
    constexpr bool within(SmallSet all) const { return (bits & ~all.bits) == 0; }
    constexpr auto operator<=>(const SmallSet&) const = default;
    friend constexpr SmallSet operator|(SmallSet a, SmallSet b) {
        return {static_cast<std::uint8_t>(a.bits | b.bits)};
    }
    friend constexpr SmallSet operator&(SmallSet a, SmallSet b) {
        return {static_cast<std::uint8_t>(a.bits & b.bits)};
    }
    friend constexpr SmallSet operator-(SmallSet a, SmallSet b) {
        return {static_cast<std::uint8_t>(a.bits & ~b.bits)};
    }
};
inline constexpr SmallSet kNil{0x80};  // the absence of a set, where the specification says Nil

enum class GroupStatus : std::uint8_t { empty, stable, assigning, reconciling };
enum class MemberStatus : std::uint8_t { stable, revoking, assigning };
enum class ClientStatus : std::uint8_t {
    reconciling,
    stable,
    fenced,
    unsubscribed,
    joining,
    acknowledging,
    prepare_leaving,
    leaving,
    illegal_state,  // what an illegal transition leads to; breaks TypeOK
};
enum class MessageType : std::uint8_t { none, heartbeat_request, heartbeat_response };
enum class Error : std::uint8_t { none, fenced_member_epoch, unknown_member_id };

inline constexpr std::int8_t kJoinGroupMemberEpoch = 0;
inline constexpr std::int8_t kLeaveGroupMemberEpoch = -1;

struct Message {
    MessageType type = MessageType::none;
    std::uint8_t client = 0;  // source of a request, destination of a response
    std::uint8_t connection_id = 0;
    std::uint8_t member_id = 0;
    std::int8_t member_epoch = 0;
    SmallSet partitions;  // topic_partitions of a request, assignment of a response; may be kNil
    SmallSet subscribed;  // of a request
    Error error = Error::none;  // of a response
    auto operator<=>(const Message&) const = default;
};

struct Member {
    std::uint8_t host = 0;  // client, from 1; 0: there is no such member, and all else is zero
    std::int8_t member_epoch = 0;
    std::int8_t target_epoch = 0;
    SmallSet subscribed;
    MemberStatus status = MemberStatus::stable;
    SmallSet assigned_partitions;
    SmallSet pending_revoke_partitions;
    SmallSet pending_assign_partitions;
    SmallSet cached_topic_partitions;  // as last reported by the client; may be kNil
    bool operator==(const Member&) const = default;
};

struct Client {
    std::uint8_t connection_id = 0;
    std::uint8_t member_id = 0;
    std::int8_t member_epoch = kJoinGroupMemberEpoch;
    ClientStatus status = ClientStatus::joining;
    SmallSet subscribed;
    SmallSet curr_assignment;
    SmallSet target_assignment;
    SmallSet last_sent_partitions = kNil;
    bool has_inflight = false;
    std::int8_t recon_epoch_on_start = 0;
    SmallSet recon_assignment = kNil;  // client_recon_proc; kNil: none is running
    SmallSet leave_assignment = kNil;  // client_leave_proc; kNil: none is running
    bool operator==(const Client&) const = default;
};

// The variables of the specification's `view`. Whatever does not exist has one fixed value, so that
// equal states are equal bytes.
struct ViewVariables {
    std::array<Message, kMaxMessages> messages{};           // a set: sorted, the empty slots last
    std::array<Member, kMaxMembers> members{};              // by member id - 1
    std::array<SmallSet, kMaxMembers> target_assignment{};  // by member id - 1; kNil: not in it
    std::array<std::int8_t, 8> group_partition_epoch{};     // 0: free
    std::array<Client, kMaxClients> clients{};              // by client - 1
    std::int8_t group_epoch = 0;
    std::int8_t target_epoch = 0;  // of the target assignment
    GroupStatus group_status = GroupStatus::empty;
    // Bits of BrokenStep. Not a variable of the specification, whose action properties speak of
    // steps: zero for ever while they hold.
    std::uint8_t broken_steps = 0;
    std::array<std::uint8_t, 4> unused{};
    bool operator==(const ViewVariables&) const = default;
};

struct Variables : ViewVariables {
    Message last_discard;  // messages_last_discard: a set of one, or of none
    std::uint8_t aux_member_id = 0;
    std::uint8_t aux_conn_id = 0;
    std::uint8_t aux_perturb_ctr = 0;
    std::array<std::uint8_t, 5> unused_aux{};
    bool operator==(const Variables&) const = default;
};

// States are one when all variables are, or when those of the view are.
struct WholeState : Variables {
    using Compared = Variables;
    bool operator==(const WholeState&) const = default;
};
struct ViewedState : Variables {
    using Compared = ViewVariables;
    bool operator==(const ViewedState& o) const {
        return static_cast<const ViewVariables&>(*this) == static_cast<const ViewVariables&>(o);
    }
};

// In the order of the specification's next-state relation.
enum class Step : std::uint16_t {
    send_heartbeat_request,
    receive_error_response,
    receive_success_response,
    complete_reconciliation,
    start_leave_group,
    complete_leave_group,
    client_crash,
    receive_regular_heartbeat_request,
    receive_leave_heartbeat_request,
    receive_bad_heartbeat_request,
    live_member_expired,
    dead_member_expired,
};

// An Action's detail. `who` is a client, or for the receiving steps a connection (which never has
// more than one message), or for an expiry a member. `what` is a subscription, a member to expire,
// or the number of a target assignment.
struct Detail {
    int who = 0;
    int what = 0;
};
inline constexpr int kDetailWho = 16;
inline constexpr int kDetailWhat = 4096;
Action action_of(Step step, Detail detail);
Detail detail_of(Action action);

// Which partition epochs follow a member's new assignment (KAFKA-16147).
enum class PartitionEpochs : std::uint8_t {
    fixed,  // one pass over what the member holds before and after
    // Assigned and pending partitions one after the other: a partition that moves from the pending
    // ones back to the assigned ones ends up free.
    before_kafka_16147,
};

struct Config {
    int clients = 2;
    int topics = 2;
    int partitions_per_topic = 1;
    int max_perturbations = 1;
    PartitionEpochs partition_epochs = PartitionEpochs::fixed;
};

// The client state machine: illegal_state where there is no such transition.
ClientStatus transition_to(ClientStatus prev, ClientStatus next);

// Every client and every member is stable at the group's epoch. The first `clients` exist.
bool is_converged(const ViewVariables& s, int clients);

// Which of the action properties the step from `before` to `after` breaks.
enum BrokenStep : std::uint8_t {
    kClientSideMemberEpochFell = 1,
    kGcSideMemberEpochFell = 2,
};
std::uint8_t broken_steps_of(const ViewVariables& before, const ViewVariables& after);

// Everything but how states compare.
class Rules {
  public:
    explicit Rules(const Config& config);  // throws std::invalid_argument when it cannot be packed

    Variables initial() const;
    std::vector<Action> enabled(const Variables& s) const;
    Variables apply(const Variables& s, Action action) const;  // of an enabled action

    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const Variables& s) const;
    std::string describe(const Variables& s, Action action) const;
    StateText show(const Variables& s) const;

    // Clients are interchangeable (the specification's symmClients); ids of members and
    // connections keep their order of creation.
    Variables least_renaming(const Variables& s) const;
    Footprint footprint(const Variables& s, Action action) const;
    std::vector<FairnessClass> fairness() const;
    std::uint64_t fair_classes(const Variables& s, Action action) const;

    // Partition i belongs to the member whose place in member_ids is digit i of the number.
    std::array<SmallSet, kMaxMembers> numbered_assignment(std::span<const int> member_ids,
                                                          int number) const;
    SmallSet all_topics() const;
    SmallSet all_partitions() const;
    int partitions() const { return config_.topics * config_.partitions_per_topic; }
    int topic_of(int partition) const { return partition / config_.partitions_per_topic; }
    const Config& config() const { return config_; }

  private:
    void enabled_at_client(const Variables& s, int client, std::vector<Action>& out) const;
    void enabled_at_coordinator(const Variables& s, int client, std::vector<Action>& out) const;
    void enabled_regular(const Variables& s, const Message& m, std::vector<Action>& out) const;

    void send_heartbeat_request(Variables& s, int client, SmallSet subscribed) const;
    void client_crash(Variables& s, int client) const;
    void receive_regular(Variables& s, const Message& m, int assignment_number) const;
    void receive_leave(Variables& s, const Message& m) const;
    void receive_bad(Variables& s, const Message& m) const;
    void fence_member(Variables& s, int member_id) const;
    void update_partition_epochs(Variables& s, const Member& before, const Member& after) const;

    Config config_;
    std::vector<std::array<std::uint8_t, kMaxClients + 1>> renamings_;  // of clients, from 1
};

// What a regular heartbeat would find and ask for, before a target assignment is chosen.
struct RegularHeartbeat {
    int member_id = 0;
    Member member;  // created or updated from the request
    std::int8_t group_epoch = 0;
    bool needs_target = false;
    std::vector<int> member_ids;  // of the group with this member, ascending; when needs_target
};
RegularHeartbeat regular_heartbeat(const Variables& s, const Message& m);

// Of requests; exactly one of the three or a regular heartbeat.
bool is_unknown(const Variables& s, const Message& m);
bool should_fence(const Variables& s, const Message& m);
bool is_leaving(const Variables& s, const Message& m);

const Message& message_on(const Variables& s, int connection_id);
void send(Variables& s, const Message& m);
void discard(Variables& s, const Message& d);

void complete_reconciliation(Client& client);
void receive_error_response(Client& client);
void receive_success_response(Client& client, const Message& m);
void start_leave_group(Client& client);
void complete_leave_group(Client& client);

}  // namespace tribunal::consumer_group

namespace tribunal {

template <class StateType>
class BasicConsumerGroupProtocol : public consumer_group::Rules {
  public:
    using State = StateType;
    using Rules::Rules;

    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(State{initial()});
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        for (const Action action : enabled(s)) emit(action, State{apply(s, action)});
    }
    Digest128 digest(const State& s) const { return digest_of_words<typename State::Compared>(s); }
    State canonical(const State& s) const { return State{least_renaming(s)}; }
};

using ConsumerGroupProtocol = BasicConsumerGroupProtocol<consumer_group::WholeState>;
// Counts depend on the visiting order as soon as there are perturbations: the view hides how many
// are left.
using ConsumerGroupProtocolView = BasicConsumerGroupProtocol<consumer_group::ViewedState>;

extern template SearchResult search(const ConsumerGroupProtocol&, const SearchOptions&);
extern template SearchResult search(const ConsumerGroupProtocolView&, const SearchOptions&);

}  // namespace tribunal
