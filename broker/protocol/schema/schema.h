// Kafka's message schemas, as far as its own logs need them: what is inside the records of
// __consumer_offsets, __transaction_state and __cluster_metadata, the quorum-state file, and the
// control records of KRaft. A schema says which field is there in which version, and how.
//
// They are written as text tables (group_records.cc, ...), one field a line, parsed once:
//
//     PartitionRecord key=3 versions=0-2 flexible=0+
//       partitionId int32 default=-1
//       replicas []int32
//       directories []uuid 1+
//       lastKnownElr []int32? 2+ tag=2
//
// A type ends in `?` when the field may be null. Without versions a field is in all of them. A
// struct, and `[]` of structs, has its own fields below it, further in. Defaults: what a version
// without the field means, and what a tagged field is not written for (KIP-482); without one 0,
// empty, or null if it may be.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tribunal::schema {

// Ascending and inclusive; empty when low > high.
struct Versions {
    std::int16_t low = 0;
    std::int16_t high = INT16_MAX;
    bool contains(std::int16_t version) const { return low <= version && version <= high; }
};

enum class Type : std::uint8_t {
    boolean,
    int8,
    int16,
    uint16,
    int32,
    int64,
    float64,
    string,
    bytes,
    uuid,
    structure,
};

struct Field {
    std::string name;
    Type type = Type::int32;
    bool is_array = false;
    bool is_nullable = false;
    Versions versions;
    std::optional<std::uint32_t> tag;
    std::string default_value;  // as in the table; "" when it says nothing
    std::vector<Field> fields;  // of a structure
};

struct Message {
    std::string name;
    std::optional<std::int16_t> key;  // of a metadata record: its api key (KIP-631)
    Versions versions;
    Versions flexible;  // compact lengths and tagged fields (KIP-482)
    std::vector<Field> fields;
};

// Every message of the tables, in their order.
const std::vector<Message>& messages();
// nullptr when there is none of that name.
const Message* find_message(std::string_view name);
const Message* find_metadata_record(std::int16_t key);

// Parses a table; throws a CheckFailure that names the line when it makes no sense.
std::vector<Message> parse_table(std::string_view table);

// The tables.
extern const std::string_view kGroupRecords;        // __consumer_offsets
extern const std::string_view kShareGroupRecords;   // __consumer_offsets too (KIP-932)
extern const std::string_view kTransactionRecords;  // __transaction_state
extern const std::string_view kMetadataRecords;     // __cluster_metadata (KIP-631)
extern const std::string_view kQuorumRecords;       // quorum-state, KRaft's control records

}  // namespace tribunal::schema
