// The six messages of the replication specification, each packed into one word of 61 bits.
#pragma once

#include <array>
#include <cstdint>

#include "model/specs/kraft_replication_state.h"

namespace tribunal::kraft_replication {

enum class MessageType : Byte {
    none,
    register_broker_request,
    register_broker_response,
    alter_partition_request,
    alter_partition_response,
    fetch_request,
    fetch_response,
};
enum class AlterPartitionError : Byte { none, fenced_leader_epoch, ineligible_replica };
enum class FetchError : Byte {
    none,
    not_leader_or_follower,
    unknown_leader_epoch,
    fenced_leader_epoch
};

struct RegisterBrokerRequest {
    static constexpr MessageType kType = MessageType::register_broker_request;
    Broker source = 0;
    Byte incarnation_id = 0;
    Byte broker_epoch = 0;  // KIP-966: of the last clean stop; 0 when there was none
};
struct RegisterBrokerResponse {
    static constexpr MessageType kType = MessageType::register_broker_response;
    Broker dest = 0;
    Byte broker_epoch = 0;
    Byte incarnation_id = 0;
    Byte metadata_offset = 0;
};
// The leader that asks is always in the ISR it proposes, so its own broker epoch is among them.
struct AlterPartitionRequest {
    static constexpr MessageType kType = MessageType::alter_partition_request;
    Broker source = 0;
    BrokerSet isr = 0;
    std::array<Byte, kMaxBrokers> broker_epochs{};  // 0: not to be checked, or not in the ISR
    Byte leader_epoch = 0;
    Byte partition_epoch = 0;
};
struct AlterPartitionResponse {
    static constexpr MessageType kType = MessageType::alter_partition_response;
    AlterPartitionRequest request{};
    AlterPartitionError error = AlterPartitionError::none;
    // All zero with an error.
    BrokerSet replicas = 0;
    BrokerSet isr = 0;
    Broker leader = 0;
    Byte leader_epoch = 0;
    Byte partition_epoch = 0;
};
struct FetchRequest {
    static constexpr MessageType kType = MessageType::fetch_request;
    Broker source = 0;
    Broker dest = 0;
    Byte broker_epoch = 0;
    Byte leader_epoch = 0;
    Byte fetch_offset = 0;
    Byte last_fetched_epoch = 0;
};
struct EpochEnd {
    Byte epoch = 0;
    Byte end_offset = 0;  // 0: there is none
};
struct FetchResponse {
    static constexpr MessageType kType = MessageType::fetch_response;
    Broker source = 0;
    Broker dest = 0;
    FetchError error = FetchError::none;
    Byte leader_epoch = 0;
    Byte fetch_offset = 0;
    Byte high_watermark = 0;
    EpochEnd diverging{};
    LogRecord record{};  // at most one, at fetch_offset
};

constexpr MessageType type_of(std::uint64_t message) {
    return static_cast<MessageType>(message & 7);
}
// Throws std::length_error when a number does not fit.
template <class Message>
std::uint64_t pack(const Message& message);
template <class Message>
Message unpack(std::uint64_t message);

}  // namespace tribunal::kraft_replication
