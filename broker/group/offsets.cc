#include "broker/group/offsets.h"

#include <cstdint>
#include <string_view>

namespace tribunal {
namespace {

void put(std::string& out, std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        out += static_cast<char>(value >> shift & 0xff);
    }
}
void put_string(std::string& out, const std::string& text) {
    put(out, text.size(), 2);
    out += text;
}

// Reads big-endian fields; `ok` turns false when the bytes run out.
struct Reader {
    std::string_view in;
    bool ok = true;

    std::int64_t integer(int bytes) {
        if (in.size() < static_cast<std::size_t>(bytes)) {
            ok = false;
            return 0;
        }
        std::uint64_t value = static_cast<signed char>(in[0]) < 0 ? ~0ull : 0;
        for (int i = 0; i < bytes; ++i) {
            value = (value << 8) | static_cast<unsigned char>(in[static_cast<std::size_t>(i)]);
        }
        in.remove_prefix(static_cast<std::size_t>(bytes));
        return static_cast<std::int64_t>(value);
    }
    std::string string() {
        const std::int64_t size = integer(2);
        if (!ok || size < 0 || static_cast<std::size_t>(size) > in.size()) {
            ok = false;
            return {};
        }
        std::string text{in.substr(0, static_cast<std::size_t>(size))};
        in.remove_prefix(static_cast<std::size_t>(size));
        return text;
    }
};

}  // namespace

Record encode(const OffsetCommitted& committed) {
    Record record;
    record.timestamp = committed.commit_timestamp;
    std::string key;
    put(key, 1, 2);
    put_string(key, committed.key.group);
    put_string(key, committed.key.topic);
    put(key, static_cast<std::uint64_t>(committed.key.partition), 4);
    std::string value;
    put(value, 3, 2);
    put(value, static_cast<std::uint64_t>(committed.offset.value), 8);
    put(value, static_cast<std::uint64_t>(committed.leader_epoch.value), 4);
    put_string(value, "");
    put(value, static_cast<std::uint64_t>(committed.commit_timestamp.value), 8);
    record.key = std::move(key);
    record.value = std::move(value);
    return record;
}

std::optional<OffsetCommitted> decode(const RecordView& record) {
    if (!record.key || !record.value) return std::nullopt;
    Reader key{*record.key};
    OffsetCommitted committed;
    if (key.integer(2) != 1) return std::nullopt;
    committed.key.group = key.string();
    committed.key.topic = key.string();
    committed.key.partition = static_cast<std::int32_t>(key.integer(4));
    Reader value{*record.value};
    if (value.integer(2) != 3) return std::nullopt;
    committed.offset = Offset{value.integer(8)};
    committed.leader_epoch = LeaderEpoch{static_cast<std::int32_t>(value.integer(4))};
    value.string();
    committed.commit_timestamp = Timestamp{value.integer(8)};
    if (!key.ok || !value.ok) return std::nullopt;
    return committed;
}

void replay(Offsets& offsets, const OffsetCommitted& record) {
    offsets.committed[record.key] = {record.offset, record.leader_epoch};
}

Offsets load_offsets(const ReplicaLog& log) {
    Offsets offsets;
    log.for_each_batch(log.log_start_offset, [&](const RecordBatch& batch) {
        for_each_record(batch, [&](const RecordView& record) {
            if (const auto committed = decode(record)) replay(offsets, *committed);
        });
    });
    return offsets;
}

}  // namespace tribunal
