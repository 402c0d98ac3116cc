// Compression of record sets, as Kafka frames it: gzip, snappy in xerial's framing, the LZ4 frame
// format, zstd (KIP-110). A v2 batch compresses its records together; a v0/v1 message set is
// compressed into the value of a wrapper message.
//
// What comes out of compress() depends on the version of the library that did it, and so do the
// sizes of batches; what decompress() gives does not. Deviation: levels are Kafka's defaults
// (gzip 6, fast LZ4, zstd 3); KIP-390's compression.*.level is not there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/protocol/config.h"

namespace tribunal {

// Message format v0 has a wrong header checksum in its LZ4 frames (it covers the magic number too,
// KAFKA-3160); readers of it do not check that.
enum class Lz4Header : std::uint8_t { correct, legacy };

std::string compress(CompressionType type, std::string_view bytes,
                     Lz4Header header = Lz4Header::correct);

// nullopt when the bytes are not what `type` writes, or unpack to more than `limit` bytes.
// Deviation: Kafka streams and has no limit.
inline constexpr std::size_t kMostUnpacked = 128 << 20;
std::optional<std::string> decompress(CompressionType type, std::string_view bytes,
                                      Lz4Header header = Lz4Header::correct,
                                      std::size_t limit = kMostUnpacked);

// "none", "gzip", ...: the values of compression.type.
std::string_view name_of(CompressionType type);

}  // namespace tribunal
