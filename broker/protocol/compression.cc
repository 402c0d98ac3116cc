#include "broker/protocol/compression.h"

#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "broker/base/check.h"
#include "broker/base/varint.h"
#include "broker/protocol/lz4_frame.h"

namespace tribunal {
namespace {

// Output grows by doubling from a guess; never beyond what may be unpacked, plus one to notice.
struct Growing {
    std::string bytes;
    std::size_t used = 0;
    std::size_t limit;

    Growing(std::size_t guess, std::size_t most) : limit(most) {
        bytes.resize(std::clamp<std::size_t>(guess, 64, most + 1));
    }
    // False when the limit is reached and more would come.
    bool make_room() {
        if (used < bytes.size()) return true;
        if (bytes.size() > limit) return false;
        bytes.resize(std::min(2 * bytes.size(), limit + 1));
        return true;
    }
    std::optional<std::string> finish() {
        if (used > limit) return std::nullopt;
        bytes.resize(used);
        return std::move(bytes);
    }
};

// --- gzip ---------------------------------------------------------------------------------------

constexpr int kGzipWindow = 15 + 16;  // zlib: 16 more means gzip's header and trailer
constexpr int kUnknownSystem = 255;   // what Java writes as the operating system

Bytef* bytef(const char* bytes) {
    return reinterpret_cast<Bytef*>(const_cast<char*>(bytes));  // zlib does not write through it
}

std::string gzip(std::string_view bytes) {
    z_stream stream{};
    CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8,
                       Z_DEFAULT_STRATEGY) == Z_OK);
    gz_header header{};
    header.os = kUnknownSystem;
    deflateSetHeader(&stream, &header);
    std::string out(deflateBound(&stream, bytes.size()), '\0');
    stream.next_in = bytef(bytes.data());
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = bytef(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int result = deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    CHECK(result == Z_STREAM_END);
    return out;
}

// Members back to back count as one, as for java.util.zip.GZIPInputStream.
std::optional<std::string> gunzip(std::string_view bytes, std::size_t limit) {
    Growing out(4 * bytes.size(), limit);
    z_stream stream{};
    CHECK(inflateInit2(&stream, kGzipWindow) == Z_OK);
    stream.next_in = bytef(bytes.data());
    stream.avail_in = static_cast<uInt>(bytes.size());
    int result = bytes.empty() ? Z_DATA_ERROR : Z_OK;
    while (result == Z_OK && out.make_room()) {
        stream.next_out = bytef(out.bytes.data() + out.used);
        stream.avail_out = static_cast<uInt>(out.bytes.size() - out.used);
        result = inflate(&stream, Z_NO_FLUSH);
        out.used = out.bytes.size() - stream.avail_out;
        if (result == Z_STREAM_END && stream.avail_in > 0) result = inflateReset(&stream);
    }
    inflateEnd(&stream);
    if (result != Z_STREAM_END) return std::nullopt;
    return out.finish();
}

// --- snappy -------------------------------------------------------------------------------------

// xerial's framing: this, then version and oldest compatible version, both 1; then blocks with
// their compressed size in front.
constexpr std::string_view kXerial{"\x82SNAPPY\0", 8};
constexpr std::size_t kXerialHeader = kXerial.size() + 8;
constexpr std::size_t kSnappyBlock = 32 << 10;

std::string snap(std::string_view bytes) {
    std::string out{kXerial};
    put_big_endian(out, std::int32_t{1});
    put_big_endian(out, std::int32_t{1});
    while (!bytes.empty()) {
        const std::string_view block = bytes.substr(0, kSnappyBlock);
        bytes.remove_prefix(block.size());
        const std::size_t at = out.size() + 4;
        std::size_t size = snappy_max_compressed_length(block.size());
        out.resize(at + size);
        CHECK(snappy_compress(block.data(), block.size(), out.data() + at, &size) == SNAPPY_OK);
        for (std::size_t i = 0; i < 4; ++i) {
            out[at - 4 + i] = static_cast<char>(size >> (8 * (3 - i)) & 0xff);
        }
        out.resize(at + size);
    }
    return out;
}

bool unsnap_block(std::string_view block, std::size_t limit, std::string& out) {
    std::size_t size = 0;
    if (snappy_uncompressed_length(block.data(), block.size(), &size) != SNAPPY_OK) return false;
    // A block cannot unpack to more than 64 bytes for 3; a length beyond that is a lie, and must
    // not be allocated.
    if (size > 32 * block.size() || size > limit - out.size()) return false;
    const std::size_t at = out.size();
    out.resize(at + size);
    return snappy_uncompress(block.data(), block.size(), out.data() + at, &size) == SNAPPY_OK;
}

std::optional<std::string> unsnap(std::string_view bytes, std::size_t limit) {
    std::string out;
    // Without the framing it is one raw block, as other clients once wrote (SnappyInputStream).
    if (bytes.substr(0, kXerial.size()) != kXerial) {
        if (!unsnap_block(bytes, limit, out)) return std::nullopt;
        return out;
    }
    while (!bytes.empty()) {
        if (bytes.substr(0, kXerial.size()) == kXerial) {  // streams may follow each other
            if (bytes.size() < kXerialHeader) return std::nullopt;
            if (big_endian_at<std::int32_t>(bytes, kXerial.size()) < 1) return std::nullopt;
            bytes.remove_prefix(kXerialHeader);
            continue;
        }
        std::int32_t size = 0;
        if (!take_big_endian(bytes, size) || size < 0) return std::nullopt;
        if (static_cast<std::size_t>(size) > bytes.size()) return std::nullopt;
        if (!unsnap_block(bytes.substr(0, static_cast<std::size_t>(size)), limit, out)) {
            return std::nullopt;
        }
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return out;
}

// --- zstd ---------------------------------------------------------------------------------------

std::string zstd(std::string_view bytes) {
    ZSTD_CCtx* const context = ZSTD_createCCtx();
    CHECK(context != nullptr);
    // A stream, as Kafka writes one: its frame does not say how long the content is.
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    const std::size_t size =
        ZSTD_compress2(context, out.data(), out.size(), bytes.data(), bytes.size());
    ZSTD_freeCCtx(context);
    CHECK(ZSTD_isError(size) == 0);
    out.resize(size);
    return out;
}

std::optional<std::string> unzstd(std::string_view bytes, std::size_t limit) {
    Growing out(4 * bytes.size(), limit);
    ZSTD_DCtx* const context = ZSTD_createDCtx();
    CHECK(context != nullptr);
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::size_t left = 1;  // 0 at the end of a frame
    while ((left != 0 || in.pos < in.size) && out.make_room()) {
        ZSTD_outBuffer room{out.bytes.data(), out.bytes.size(), out.used};
        const std::size_t consumed = in.pos;
        left = ZSTD_decompressStream(context, &room, &in);
        if (ZSTD_isError(left) != 0) break;
        const bool stuck = in.pos == consumed && room.pos == out.used;
        out.used = room.pos;
        if (stuck) break;  // the frame goes on, the bytes do not
    }
    ZSTD_freeDCtx(context);
    if (left != 0 || in.pos < in.size) return std::nullopt;
    return out.finish();
}

}  // namespace

std::string compress(CompressionType type, std::string_view bytes, Lz4Header header) {
    switch (type) {
        case CompressionType::none:
            return std::string{bytes};
        case CompressionType::gzip:
            return gzip(bytes);
        case CompressionType::snappy:
            return snap(bytes);
        case CompressionType::lz4:
            return lz4_frame(bytes, header);
        case CompressionType::zstd:
            return zstd(bytes);
    }
    CHECK(!"unknown compression");
    return {};
}

std::optional<std::string> decompress(CompressionType type, std::string_view bytes,
                                      Lz4Header header, std::size_t limit) {
    switch (type) {
        case CompressionType::none:
            return std::string{bytes};
        case CompressionType::gzip:
            return gunzip(bytes, limit);
        case CompressionType::snappy:
            return unsnap(bytes, limit);
        case CompressionType::lz4:
            return lz4_unframe(bytes, header, limit);
        case CompressionType::zstd:
            return unzstd(bytes, limit);
    }
    return std::nullopt;  // ids 5 to 7 mean nothing
}

std::string_view name_of(CompressionType type) {
    switch (type) {
        case CompressionType::none:
            return "none";
        case CompressionType::gzip:
            return "gzip";
        case CompressionType::snappy:
            return "snappy";
        case CompressionType::lz4:
            return "lz4";
        case CompressionType::zstd:
            return "zstd";
    }
    return "unknown";
}

}  // namespace tribunal
