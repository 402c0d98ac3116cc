// CRC-32C (Castagnoli, RFC 3720), the checksum of Kafka's record batches since format v2.
#pragma once

#include <cstdint>
#include <string_view>

namespace tribunal {

// The checksum of `bytes`; pass the result of an earlier call as `crc` to go on over more bytes.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace tribunal
