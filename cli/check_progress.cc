// The progress line of `tribunal check`: rate and time left are of this machine, and go nowhere
// else.
#include "cli/check_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "reports/search_wording.h"
#include "reports/wording.h"

namespace tribunal {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

std::string time_text(std::uint64_t seconds) {
    if (seconds < 100) return fmt::format("{} s", seconds);
    if (seconds < 6000) return fmt::format("{} min", (seconds + 30) / 60);
    return fmt::format("{} h", (seconds + 1800) / 3600);
}

}  // namespace

std::optional<std::uint64_t> states_to_come(const std::vector<std::uint64_t>& levels) {
    if (levels.size() < 5) return std::nullopt;
    const auto size = [&](std::size_t back) {
        return static_cast<double>(std::max<std::uint64_t>(levels[levels.size() - back], 1));
    };
    // Growth from level to level, and how it slackens, over three levels to even out odd and even.
    double growth = size(1) / size(2);
    const double earlier = size(3) / size(4);
    const double slackening = growth < earlier ? (1 + growth / earlier) / 2 : 1;
    if (slackening >= 0.999 && growth >= 0.999) return std::nullopt;
    constexpr double kTooMany = 1e15;
    double level = size(1);
    double sum = 0;
    for (int i = 0; i < 10'000 && level >= 1; ++i) {
        growth *= slackening;
        level *= growth;
        sum += level;
        if (sum > kTooMany) return std::nullopt;
    }
    return static_cast<std::uint64_t>(sum);
}

ProgressLine::ProgressLine() : shown_(isatty(2) != 0), started_(now()) {}

ProgressLine::~ProgressLine() {
    if (told_ != 0) std::fputs("\r\033[K", stderr);
}

void ProgressLine::tell(const Progress& progress) {
    if (progress.depth != depth_) {
        if (depth_ != 0) levels_.push_back(progress.distinct - met_before_);
        met_before_ = progress.distinct;
        depth_ = progress.depth;
    }
    const std::int64_t at = now();
    if (!shown_ || (told_ != 0 && at - told_ < kSecond / 4)) return;
    told_ = at;
    std::string line = fmt::format(
        "{} distinct, {} generated/s, depth {}, frontier {}, {}", with_thousands(progress.distinct),
        with_thousands(per_second(progress.generated, at - started_)), progress.depth,
        with_thousands(progress.frontier), bytes_text(progress.memory_bytes));
    const std::uint64_t rate = per_second(progress.distinct, at - started_);
    if (const auto more = states_to_come(levels_); more && rate != 0) {
        const std::uint64_t of_this_level = progress.distinct - met_before_;
        const std::uint64_t left = *more > of_this_level ? *more - of_this_level : 0;
        line += ", about " + time_text(left / rate) + " left";
    }
    std::fputs(("\r" + line + "\033[K").c_str(), stderr);
}

}  // namespace tribunal
