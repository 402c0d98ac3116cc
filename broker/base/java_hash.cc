#include "broker/base/java_hash.h"

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr std::uint32_t kReplacement = 0xfffd;

// The first code point, taken off `in`, which is not empty.
std::uint32_t take_code_point(std::string_view& in) {
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(in[i]));
    };
    const std::uint32_t lead = byte(0);
    const std::size_t more = lead < 0x80                    ? 0
                             : lead >= 0xc2 && lead <= 0xdf ? 1
                             : (lead & 0xf0) == 0xe0        ? 2
                             : lead >= 0xf0 && lead <= 0xf4 ? 3
                                                            : 4;
    std::uint32_t point = more == 0 ? lead : lead & (0x3fu >> more);
    bool valid = more < 4 && in.size() > more;
    for (std::size_t i = 1; valid && i <= more; ++i) {
        valid = (byte(i) & 0xc0) == 0x80;
        point = (point << 6) | (byte(i) & 0x3f);
    }
    constexpr std::uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    valid =
        valid && point >= smallest[more] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
    in.remove_prefix(valid ? more + 1 : 1);
    return valid ? point : kReplacement;
}

}  // namespace

std::int32_t java_string_hash(std::string_view utf8) {
    std::uint32_t hash = 0;
    while (!utf8.empty()) {
        const std::uint32_t point = take_code_point(utf8);
        if (point < 0x10000) {
            hash = 31 * hash + point;
        } else {  // a pair of surrogates
            hash = 31 * hash + (0xd800 + ((point - 0x10000) >> 10));
            hash = 31 * hash + (0xdc00 + ((point - 0x10000) & 0x3ff));
        }
    }
    return static_cast<std::int32_t>(hash);
}

std::int32_t coordinator_partition(std::string_view id, std::int32_t partitions) {
    CHECK(partitions > 0);
    const std::int32_t hash = java_string_hash(id);
    const std::int32_t positive = hash == INT32_MIN ? 0 : (hash < 0 ? -hash : hash);
    return positive % partitions;
}

}  // namespace tribunal
