#include "broker/protocol/batch_bytes.h"

#include "broker/base/check.h"
#include "broker/base/varint.h"

namespace tribunal {
namespace {

constexpr std::size_t kLogOverhead = 12;  // offset and length, which the length does not count
constexpr std::size_t kMagicAt = 16;
constexpr std::int32_t kSmallestMessage = 14;  // of v0: CRC, magic, attributes, two lengths
constexpr std::int8_t kNewestMagic = 2;

}  // namespace

void encode_batch(std::string& out, const RecordBatch& batch) {
    [[maybe_unused]] const std::size_t before = out.size();
    out.reserve(before + static_cast<std::size_t>(batch.size_in_bytes()));
    put_big_endian(out, batch.base_offset.value);
    put_big_endian(out, static_cast<std::int32_t>(batch.size_in_bytes() -
                                                  static_cast<std::int64_t>(kLogOverhead)));
    put_big_endian(out, batch.leader_epoch.value);
    put_big_endian(out, kNewestMagic);
    put_big_endian(out, batch.crc);
    put_big_endian(out, batch.attributes);
    put_big_endian(out, batch.last_offset_delta);
    put_big_endian(out, batch.base_timestamp.value);
    put_big_endian(out, batch.max_timestamp.value);
    put_big_endian(out, batch.producer_id.value);
    put_big_endian(out, batch.producer_epoch);
    put_big_endian(out, batch.base_sequence);
    put_big_endian(out, batch.record_count);
    CHECK(out.size() == before + kBatchHeaderSize);
    out += batch.records.view();
}

FramedBatch take_batch(std::string_view& in) {
    FramedBatch batch;
    if (in.size() < kLogOverhead) {
        batch.fault = BatchFault::cut;
        return batch;
    }
    const auto length = big_endian_at<std::int32_t>(in, 8);
    if (length < kSmallestMessage) {
        batch.fault = BatchFault::bad_size;
        return batch;
    }
    if (in.size() <= kMagicAt) {
        batch.fault = BatchFault::cut;
        return batch;
    }
    batch.magic = static_cast<std::int8_t>(in[kMagicAt]);
    if (batch.magic < 0 || batch.magic > kNewestMagic) {
        batch.fault = BatchFault::bad_magic;
        return batch;
    }
    const std::size_t size = kLogOverhead + static_cast<std::size_t>(length);
    if (in.size() < size) {
        batch.fault = BatchFault::cut;
        return batch;
    }
    batch.bytes = in.substr(0, size);
    in.remove_prefix(size);
    return batch;
}

std::optional<RecordBatch> decode_batch(std::string_view bytes) {
    if (bytes.size() < kBatchHeaderSize) return std::nullopt;
    RecordBatch batch;
    std::int32_t length = 0;
    std::int8_t magic = 0;
    std::string_view in = bytes;
    const bool whole =
        take_big_endian(in, batch.base_offset.value) && take_big_endian(in, length) &&
        take_big_endian(in, batch.leader_epoch.value) && take_big_endian(in, magic) &&
        take_big_endian(in, batch.crc) && take_big_endian(in, batch.attributes) &&
        take_big_endian(in, batch.last_offset_delta) &&
        take_big_endian(in, batch.base_timestamp.value) &&
        take_big_endian(in, batch.max_timestamp.value) &&
        take_big_endian(in, batch.producer_id.value) && take_big_endian(in, batch.producer_epoch) &&
        take_big_endian(in, batch.base_sequence) && take_big_endian(in, batch.record_count);
    CHECK(whole && bytes.size() - in.size() == kBatchHeaderSize);
    if (magic != kNewestMagic) return std::nullopt;
    if (length != static_cast<std::int64_t>(bytes.size() - kLogOverhead)) return std::nullopt;
    if (batch.base_offset.value < 0 || batch.last_offset_delta < 0 ||
        batch.base_offset.value >= INT64_MAX - batch.last_offset_delta) {
        return std::nullopt;
    }
    batch.records = Payload{in};
    return batch;
}

}  // namespace tribunal
