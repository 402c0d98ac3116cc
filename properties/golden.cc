// Finding, unpacking and parsing of a golden file.
#include "properties/golden.h"

#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#ifndef TRIBUNAL_SOURCE_DIR
#define TRIBUNAL_SOURCE_DIR "."
#endif

namespace tribunal {
namespace {

// The text of a file, packed or not (zlib passes through what has no gzip header); nothing when
// the file does not exist.
std::optional<std::string> unpacked(const std::string& path) {
    errno = 0;
    const gzFile file = gzopen(path.c_str(), "rb");
    if (file == nullptr) {
        if (errno == ENOENT) return std::nullopt;
        throw std::runtime_error(path + ": cannot be opened: " + std::strerror(errno));
    }
    std::string text;
    std::array<char, 65536> block;
    int got = 0;
    while ((got = gzread(file, block.data(), static_cast<unsigned>(block.size()))) > 0) {
        text.append(block.data(), static_cast<std::size_t>(got));
    }
    // A file cut short shows only when it is closed.
    const int closed = gzclose(file);
    if (got < 0 || closed != Z_OK) throw std::runtime_error(path + ": damaged or cut short");
    return text;
}

}  // namespace

std::string golden_folder() {
    const char* named = std::getenv("GOLDEN_DIR");
    if (named != nullptr && *named != '\0') return named;
    return std::string(TRIBUNAL_SOURCE_DIR) + "/properties/golden";
}

nlohmann::json load_golden(std::string_view name) {
    const std::string plain = golden_folder() + "/" + std::string(name) + ".json";
    for (const std::string& path : {plain, plain + ".gz"}) {
        const auto text = unpacked(path);
        if (!text) continue;
        try {
            return nlohmann::json::parse(*text);
        } catch (const nlohmann::json::exception& problem) {
            throw std::runtime_error(path + ": " + problem.what());
        }
    }
    throw std::runtime_error("golden vectors missing: neither " + plain + " nor " + plain +
                             ".gz exists; GOLDEN_DIR names another folder");
}

}  // namespace tribunal
