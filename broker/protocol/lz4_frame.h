// The LZ4 frame format as Kafka writes it: 64 KiB blocks that do not refer to each other, no
// content size, no checksum but that of the header (Lz4BlockOutputStream).
//
// Read by hand and not by liblz4's frame functions: those check the header's checksum, which
// message format v0 has wrong.
#pragma once

#include "broker/protocol/compression.h"

namespace tribunal {

std::string lz4_frame(std::string_view bytes, Lz4Header header);
// nullopt for what Kafka's reader refuses: another version, dependent blocks, a wrong header or
// block checksum, a block that does not unpack, an end that is missing.
std::optional<std::string> lz4_unframe(std::string_view bytes, Lz4Header header, std::size_t limit);

// xxHash with 32 bits and seed 0.
std::uint32_t xxhash32(std::string_view bytes);

}  // namespace tribunal
