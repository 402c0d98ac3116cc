#include "properties/nearest.h"

#include <algorithm>
#include <vector>

namespace tribunal {
namespace {

// People mix up case and separators; that is no mistake worth a point.
char normal(char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return c == '_' || c == '.' ? '-' : c;
}

}  // namespace

// Optimal string alignment (Damerau 1964, restricted): three rows of the usual table.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = normal(a[i - 1]) == normal(b[j - 1]);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0u : 1u)});
            if (i > 1 && j > 1 && normal(a[i - 1]) == normal(b[j - 2]) &&
                normal(a[i - 2]) == normal(b[j - 1])) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> valid) {
    std::string_view best;
    std::size_t best_distance = 0;
    for (const std::string_view candidate : valid) {
        const std::size_t distance = edit_distance(word, candidate);
        const std::size_t limit =
            std::max<std::size_t>(2, std::max(word.size(), candidate.size()) / 3);
        if (distance > limit || distance >= std::max(word.size(), candidate.size())) continue;
        if (best.empty() || distance < best_distance) best = candidate, best_distance = distance;
    }
    return best;
}

}  // namespace tribunal
