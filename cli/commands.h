// The subcommands of `tribunal`, a file each. Every command returns the exit status of DESIGN:
// 0 all as expected, 1 a verdict differs, 2 inconclusive, 3 bad usage or input, 4 an internal check
// failed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tribunal {

inline constexpr int kAsExpected = 0;
inline constexpr int kDiffers = 1;
inline constexpr int kInconclusive = 2;
inline constexpr int kBadInput = 3;
inline constexpr int kInternal = 4;

struct SeedRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};

struct RunOptions {
    std::vector<std::string> files;
    std::optional<std::uint64_t> seed;
    std::optional<SeedRange> seeds;
    std::string report_folder = "report";
    bool no_report = false;
    std::string format = "text";
    bool trace = false;
};
int run_command(const RunOptions& options);

struct CheckOptions {
    std::string what;  // a model's name, or a scenario file
    std::vector<std::string> set;
    unsigned workers = 1;
    std::string policy = "breadth-first";
    bool symmetry = false;
    std::string reduction = "none";
    bool no_liveness = false;
    std::string memory = "8G";
    std::string time;
    std::optional<std::uint64_t> max_states, max_depth;
    bool stop_at_first = false;
    std::optional<std::uint64_t> seed, walks;
    std::string checkpoint, resume;
    std::vector<std::string> expect;
    std::string format = "text";
    bool no_timings = false;
    std::string report_folder;
    std::string dot, graphml;
    bool graph_around = false;
    // Of a scenario file only; unset: what the file says.
    std::optional<std::uint64_t> messages, crashes, power_losses, losses, epochs, timers;
    std::string save;
};
int check_command(const CheckOptions& options);

// scenarios | models | properties | claims | faults | editions | settings | schema
int list_command(const std::string& what, const std::string& format);

// "7..200"; nullopt when it is not a range.
std::optional<SeedRange> parse_seeds(const std::string& text);

}  // namespace tribunal
