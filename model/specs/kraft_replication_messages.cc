// How messages and metadata records become words, and the set of messages.
#include "model/specs/kraft_replication_messages.h"

#include <algorithm>
#include <stdexcept>

#include "broker/base/check.h"

namespace tribunal::kraft_replication {
namespace {

constexpr unsigned kTypeBits = 3;
constexpr unsigned kBrokerBits = 2;
constexpr unsigned kLeaderBits = 3;  // kNoLeader too
constexpr unsigned kErrorBits = 2;
constexpr unsigned kOffsetBits = 3;  // of the partition's log
constexpr unsigned kValueBits = 3;
constexpr unsigned kEpochBits = 5;  // any epoch, incarnation or metadata offset

class Packer {
  public:
    template <class T>
    void field(const T& x, unsigned bits) {
        const auto number = static_cast<std::uint64_t>(x);
        if ((number >> bits) != 0) {
            throw std::length_error(
                "kafka_replication: an epoch, offset or id is too large to "
                "be packed; take lower limits");
        }
        word_ |= number << at_;
        at_ += bits;
    }
    std::uint64_t word() const { return word_; }

  private:
    std::uint64_t word_ = 0;
    unsigned at_ = 0;
};

class Unpacker {
  public:
    explicit Unpacker(std::uint64_t word) : word_(word) {}
    template <class T>
    void field(T& x, unsigned bits) {
        x = static_cast<T>(word_ & ((std::uint64_t{1} << bits) - 1));
        word_ >>= bits;
    }

  private:
    std::uint64_t word_;
};

// One layout of each message serves both directions.
void lay_out(auto& bits, RegisterBrokerRequest& m) {
    bits.field(m.source, kBrokerBits);
    bits.field(m.incarnation_id, kEpochBits);
    bits.field(m.broker_epoch, kEpochBits);
}
void lay_out(auto& bits, RegisterBrokerResponse& m) {
    bits.field(m.dest, kBrokerBits);
    bits.field(m.broker_epoch, kEpochBits);
    bits.field(m.incarnation_id, kEpochBits);
    bits.field(m.metadata_offset, kEpochBits);
}
void lay_out(auto& bits, AlterPartitionRequest& m) {
    bits.field(m.source, kBrokerBits);
    bits.field(m.isr, kMaxBrokers);
    for (Byte& epoch : m.broker_epochs) bits.field(epoch, kEpochBits);
    bits.field(m.leader_epoch, kEpochBits);
    bits.field(m.partition_epoch, kEpochBits);
}
void lay_out(auto& bits, AlterPartitionResponse& m) {
    lay_out(bits, m.request);
    bits.field(m.error, kErrorBits);
    bits.field(m.replicas, kMaxBrokers);
    bits.field(m.isr, kMaxBrokers);
    bits.field(m.leader, kBrokerBits);
    bits.field(m.leader_epoch, kEpochBits);
    bits.field(m.partition_epoch, kEpochBits);
}
void lay_out(auto& bits, FetchRequest& m) {
    bits.field(m.source, kBrokerBits);
    bits.field(m.dest, kBrokerBits);
    bits.field(m.broker_epoch, kEpochBits);
    bits.field(m.leader_epoch, kEpochBits);
    bits.field(m.fetch_offset, kOffsetBits);
    bits.field(m.last_fetched_epoch, kEpochBits);
}
void lay_out(auto& bits, FetchResponse& m) {
    bits.field(m.source, kBrokerBits);
    bits.field(m.dest, kBrokerBits);
    bits.field(m.error, kErrorBits);
    bits.field(m.leader_epoch, kEpochBits);
    bits.field(m.fetch_offset, kOffsetBits);
    bits.field(m.high_watermark, kOffsetBits);
    bits.field(m.diverging.epoch, kEpochBits);
    bits.field(m.diverging.end_offset, kOffsetBits);
    bits.field(m.record.epoch, kEpochBits);
    bits.field(m.record.value, kValueBits);
}
void lay_out(auto& bits, Partition& p) {
    bits.field(p.replicas, kMaxBrokers);
    bits.field(p.isr, kMaxBrokers);
    bits.field(p.elr, kMaxBrokers);
    bits.field(p.last_known_elr, kMaxBrokers);
    bits.field(p.leader, kLeaderBits);
    bits.field(p.leader_epoch, kEpochBits);
    bits.field(p.partition_epoch, kEpochBits);
    bits.field(p.adding, kMaxBrokers);
    bits.field(p.removing, kMaxBrokers);
}

}  // namespace

Byte to_byte(int x) {
    if (x < 0 || x > 255) throw std::length_error("kafka_replication: a number left its byte");
    return static_cast<Byte>(x);
}

template <class Message>
std::uint64_t pack(const Message& message) {
    Packer bits;
    bits.field(Message::kType, kTypeBits);
    Message fields = message;
    lay_out(bits, fields);
    return bits.word();
}
template <class Message>
Message unpack(std::uint64_t message) {
    CHECK(type_of(message) == Message::kType);
    Unpacker bits(message >> kTypeBits);
    Message fields;
    lay_out(bits, fields);
    return fields;
}
template std::uint64_t pack(const RegisterBrokerRequest&);
template std::uint64_t pack(const RegisterBrokerResponse&);
template std::uint64_t pack(const AlterPartitionRequest&);
template std::uint64_t pack(const AlterPartitionResponse&);
template std::uint64_t pack(const FetchRequest&);
template std::uint64_t pack(const FetchResponse&);
template RegisterBrokerRequest unpack(std::uint64_t);
template RegisterBrokerResponse unpack(std::uint64_t);
template AlterPartitionRequest unpack(std::uint64_t);
template AlterPartitionResponse unpack(std::uint64_t);
template FetchRequest unpack(std::uint64_t);
template FetchResponse unpack(std::uint64_t);

void MetadataLog::append(const Partition& record) {
    if (size == records.size()) {
        throw std::length_error(
            "kafka_replication: more than 23 metadata records; take lower "
            "limits");
    }
    Packer bits;
    Partition fields = record;
    lay_out(bits, fields);
    records[size++] = bits.word();
}
Partition MetadataLog::at(int offset) const {
    CHECK(offset >= 1 && static_cast<std::uint64_t>(offset) <= size);
    Unpacker bits(records[static_cast<std::size_t>(offset - 1)]);
    Partition record;
    lay_out(bits, record);
    return record;
}

std::size_t MessageSet::place_of(std::uint64_t message) const {
    const auto end = entries.begin() + static_cast<std::ptrdiff_t>(size);
    return static_cast<std::size_t>(std::lower_bound(entries.begin(), end, message << 2) -
                                    entries.begin());
}
bool MessageSet::ever_sent(std::uint64_t m) const {
    const std::size_t i = place_of(m);
    return i < size && message(i) == m;
}
void MessageSet::send(std::uint64_t m) {
    const std::size_t i = place_of(m);
    if (i < size && message(i) == m) {
        entries[i] |= kInFlight;
        return;
    }
    if (size == entries.size()) {
        throw std::length_error(
            "kafka_replication: more than 63 different messages; take lower "
            "limits");
    }
    const auto end = entries.begin() + static_cast<std::ptrdiff_t>(size);
    std::copy_backward(entries.begin() + static_cast<std::ptrdiff_t>(i), end, end + 1);
    entries[i] = m << 2 | kInFlight;
    ++size;
}
void MessageSet::discard(std::uint64_t m) {
    const std::size_t i = place_of(m);
    CHECK(i < size && message(i) == m && in_flight(i));
    entries[i] = (entries[i] & ~kInFlight) | kDiscarded;
}

}  // namespace tribunal::kraft_replication
