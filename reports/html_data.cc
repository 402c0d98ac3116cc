// The data of the charts: columns without names, small numbers, and a budget in bytes.
//
// What gives way when the budget is short: messages far from their violation and heartbeats and
// fetches first, then points of the partition lines that change nothing but an offset. How many are
// left is in the data ("shown", "total"), and the page says so.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "reports/escape.h"
#include "reports/html_parts.h"
#include "reports/wording.h"

namespace tribunal {
namespace {

constexpr std::size_t kSeriesMax = 4000;
constexpr std::size_t kLedgerMax = 5000;
constexpr std::size_t kGapsMax = 5000;
constexpr std::size_t kPointBytes = 40;
constexpr std::size_t kPointsAtLeast = 60;
constexpr std::size_t kPointsMax = 4000;
constexpr std::size_t kDetailMax = 400;

// Writes "a,b,c" with the commas between.
class List {
  public:
    explicit List(std::string& out, char open = '[', char close = ']') : out_(out), close_(close) {
        out_ += open;
    }
    List(const List&) = delete;
    List& operator=(const List&) = delete;
    ~List() { out_ += close_; }
    std::string& next() {
        if (!first_) out_ += ',';
        first_ = false;
        return out_;
    }
    void number(std::int64_t n) { fmt::format_to(std::back_inserter(next()), "{}", n); }
    void text(std::string_view t) { append_json(next(), t); }
    // A member of an object; the value follows.
    std::string& member(std::string_view name) {
        append_json(next(), name);
        return out_ += ':';
    }

  private:
    std::string& out_;
    char close_;
    bool first_ = true;
};

void append_nodes(std::string& out, const std::vector<NodeId>& nodes) {
    List list(out);
    for (const NodeId node : nodes) list.number(node.value);
}

void append_cast(std::string& out, const Report& report) {
    List list(out);
    for (const NodeInfo& node : report.nodes) {
        List each(list.next());
        each.number(node.node.value), each.text(node.name), each.text(node.kind);
    }
}

// Neighbouring buckets are joined when there are too many: counts add up, latencies are the worst.
void append_series(std::string& out, const Report& report, std::size_t join) {
    List list(out);
    for (std::size_t i = 0; i < report.series.size(); i += join) {
        SeriesPoint sum = report.series[i];
        for (std::size_t k = i + 1; k < std::min(i + join, report.series.size()); ++k) {
            const SeriesPoint& more = report.series[k];
            sum.sent_ok += more.sent_ok, sum.sent_fail += more.sent_fail;
            sum.sent_info += more.sent_info, sum.read += more.read;
            sum.latency_p50 = std::max(sum.latency_p50, more.latency_p50);
            sum.latency_p99 = std::max(sum.latency_p99, more.latency_p99);
            sum.latency_max = std::max(sum.latency_max, more.latency_max);
        }
        fmt::format_to(std::back_inserter(list.next()), "[{},{},{},{},{},{},{},{}]", sum.at.value,
                       sum.sent_ok, sum.sent_fail, sum.sent_info, sum.read, sum.latency_p50.value,
                       sum.latency_p99.value, sum.latency_max.value);
    }
}

void append_gaps(std::string& out, const Report& report) {
    List list(out);
    for (std::size_t i = 0; i < std::min(kGapsMax, report.gaps.size()); ++i) {
        const AvailabilityGap& gap = report.gaps[i];
        List each(list.next());
        each.text(gap.partition), each.text(gap.kind);
        each.number(gap.from.value), each.number(gap.until.value);
    }
}

void append_ledger(std::string& out, const Report& report) {
    List list(out);
    for (std::size_t i = 0; i < std::min(kLedgerMax, report.ledger.size()); ++i) {
        const LedgerEntry& entry = report.ledger[i];
        List each(list.next());
        each.number(entry.at.value), each.text(name_of(entry.kind));
        append_nodes(each.next(), entry.nodes), append_nodes(each.next(), entry.peers);
        each.number(entry.ended ? 1 : 0), each.text(entry.text);
    }
}

bool same_but_offsets(const ReplicaPoint& a, const ReplicaPoint& b) {
    return a.leader_epoch == b.leader_epoch && a.is_leader == b.is_leader && a.in_isr == b.in_isr &&
           a.up == b.up && a.log_end <= b.log_end && a.log_start == b.log_start;
}

// Keeps the first, the last, both sides of every change that is more than progress, and of the rest
// every n-th.
std::vector<std::size_t> thinned(const std::vector<ReplicaPoint>& points, std::size_t most) {
    std::vector<bool> keeps(points.size(), false);
    std::size_t kept = 0;
    const auto keep = [&](std::size_t i) {
        if (!keeps[i] && kept < most) keeps[i] = true, ++kept;
    };
    if (!points.empty()) keep(0), keep(points.size() - 1);
    for (std::size_t i = 1; i < points.size(); ++i) {
        if (!same_but_offsets(points[i - 1], points[i])) keep(i), keep(i - 1);
    }
    const std::size_t every = most > kept ? points.size() / (most - kept) + 1 : points.size() + 1;
    for (std::size_t i = 0; i < points.size(); i += every) keep(i);
    std::vector<std::size_t> at;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (keeps[i] || points.size() <= most) at.push_back(i);
    }
    return at;
}

void append_partition(std::string& out, const PartitionTimeline& partition, std::size_t most) {
    List object(out, '{', '}');
    append_json(object.member("name"), partition.partition);
    std::size_t shown = 0;
    std::size_t total = 0;
    {
        List replicas(object.member("replicas"));
        for (const ReplicaTimeline& replica : partition.replicas) {
            List one(replicas.next());
            one.number(replica.node.value);
            List points(one.next());
            const auto kept = thinned(replica.points, most);
            shown += kept.size(), total += replica.points.size();
            for (const std::size_t i : kept) {
                const ReplicaPoint& p = replica.points[i];
                fmt::format_to(std::back_inserter(points.next()), "[{},{},{},{},{},{}]", p.at.value,
                               p.log_start.value, p.log_end.value, p.high_watermark.value,
                               p.leader_epoch.value,
                               (p.is_leader ? 1 : 0) | (p.in_isr ? 2 : 0) | (p.up ? 4 : 0));
            }
        }
    }
    {
        List teeth(object.member("truncations"));
        for (std::size_t i = 0; i < std::min(most, partition.truncations.size()); ++i) {
            const TruncationMark& mark = partition.truncations[i];
            fmt::format_to(std::back_inserter(teeth.next()), "[{},{},{},{},{}]", mark.at.value,
                           mark.node.value, mark.from.value, mark.to.value,
                           mark.leader_epoch.value);
        }
        total += partition.truncations.size();
        shown += std::min(most, partition.truncations.size());
    }
    fmt::format_to(std::back_inserter(object.member("shown")), "{}", shown);
    fmt::format_to(std::back_inserter(object.member("total")), "{}", total);
}

// Few kinds, many messages: the kind is a number into a table.
using Kinds = std::map<std::string, std::size_t>;

bool is_noise(const TraceMessage& message) {
    if (message.is_error || message.received == kNever) return false;
    return message.kind.find("Heartbeat") != std::string::npos ||
           message.kind.find("Fetch") != std::string::npos;
}

// `after` is when the message before was sent: differences are short.
std::string message_json(const TraceMessage& message, const Kinds& kinds, Instant after) {
    std::string out;
    const std::int64_t took =
        message.received == kNever ? -1 : (message.received - message.sent).value;
    fmt::format_to(std::back_inserter(out), "[{},{},{},{},{},{},{},", message.id,
                   (message.sent - after).value, took, message.from.value, message.to.value,
                   kinds.at(message.kind), message.is_error ? 1 : 0);
    std::string_view detail = message.detail;
    if (detail.size() > kDetailMax) {
        append_json(out, fmt::format("{} ... (cut)", detail.substr(0, kDetailMax)));
    } else {
        append_json(out, detail);
    }
    return out += ']';
}

// Which messages fit: those that matter first, each lot by its distance from the violation.
std::vector<std::size_t> chosen(const TraceSlice& slice, const Kinds& kinds, Instant around,
                                std::size_t budget) {
    struct Rank {
        bool noise;
        std::int64_t away;
        std::size_t index;
        auto operator<=>(const Rank&) const = default;
    };
    std::vector<Rank> ranks;
    ranks.reserve(slice.messages.size());
    for (const TraceMessage& message : slice.messages) {
        const std::int64_t away = (message.sent - around).value;
        ranks.push_back({is_noise(message), away < 0 ? -away : away, ranks.size()});
    }
    std::sort(ranks.begin(), ranks.end());
    std::vector<std::size_t> order;
    order.reserve(ranks.size());
    for (const Rank& rank : ranks) order.push_back(rank.index);
    std::size_t used = 0;
    std::size_t count = 0;
    for (; count < order.size(); ++count) {
        // The difference to the neighbour may grow when messages between are left out.
        used += message_json(slice.messages[order[count]], kinds, slice.from).size() + 1;
        if (used > budget) break;
    }
    order.resize(count);
    std::sort(order.begin(), order.end());
    return order;
}

void append_slice(std::string& out, const Report& report, const TraceSlice& slice,
                  const Kinds& kinds, std::size_t budget) {
    Instant around = slice.from;
    for (const auto& each : numbered_violations(report)) {
        if (each.tag == slice.violation) around = each.violation->at;
    }
    List object(out, '{', '}');
    append_json(object.member("violation"), slice.violation);
    fmt::format_to(std::back_inserter(object.member("from")), "{}", slice.from.value);
    fmt::format_to(std::back_inserter(object.member("until")), "{}", slice.until.value);
    const auto marks_shown = std::min<std::size_t>(slice.marks.size(), budget / 4 / 60);
    std::size_t marks_bytes = out.size();
    {
        List marks(object.member("marks"));
        for (std::size_t i = 0; i < marks_shown; ++i) {
            const TraceMark& mark = slice.marks[i];
            List each(marks.next());
            each.number(mark.at.value), each.number(mark.node.value);
            each.text(mark.kind), each.text(mark.text);
        }
    }
    marks_bytes = out.size() - marks_bytes;
    const auto kept = chosen(slice, kinds, around, budget > marks_bytes ? budget - marks_bytes : 0);
    {
        List messages(object.member("messages"));
        Instant after = slice.from;
        for (const std::size_t i : kept) {
            messages.next() += message_json(slice.messages[i], kinds, after);
            after = slice.messages[i].sent;
        }
    }
    const auto count = [&](std::string_view name, std::size_t n) {
        fmt::format_to(std::back_inserter(object.member(name)), "{}", n);
    };
    count("total", slice.messages.size() + slice.left_out);
    count("marksTotal", slice.marks.size());
}

void append_slices(std::string& out, const Report& report, const Kinds& kinds, std::size_t budget) {
    List list(out);
    const std::size_t before = out.size();
    for (std::size_t i = 0; i < report.slices.size(); ++i) {
        const std::size_t used = out.size() - before;
        const std::size_t left = budget > used ? budget - used : 0;
        append_slice(list.next(), report, report.slices[i], kinds,
                     left / (report.slices.size() - i));
    }
}

}  // namespace

std::string chart_data(const Report& report, std::size_t budget) {
    std::string out;
    {
        List object(out, '{', '}');
        Instant until{report.virtual_time.value};
        for (const LedgerEntry& entry : report.ledger) until = std::max(until, entry.at);
        fmt::format_to(std::back_inserter(object.member("until")), "{}", until.value);
        append_cast(object.member("nodes"), report);
        const std::size_t join = (report.series.size() + kSeriesMax - 1) / kSeriesMax;
        append_series(object.member("series"), report, std::max<std::size_t>(join, 1));
        fmt::format_to(std::back_inserter(object.member("seriesJoined")), "{}",
                       std::max<std::size_t>(join, 1));
        append_gaps(object.member("gaps"), report);
        fmt::format_to(std::back_inserter(object.member("gapsTotal")), "{}", report.gaps.size());
        append_ledger(object.member("ledger"), report);
        fmt::format_to(std::back_inserter(object.member("ledgerTotal")), "{}",
                       report.ledger.size());
        {
            List violations(object.member("violations"));
            for (const auto& each : numbered_violations(report)) {
                List one(violations.next());
                one.text(each.tag), one.number(each.violation->at.value);
                one.number(each.violation->allowed ? 1 : 0), one.text(each.violation->property);
                one.text(each.violation->has_partition
                             ? partition_name(report, each.violation->partition)
                             : std::string());
                one.number(each.violation->offset.value);
                append_nodes(one.next(), each.violation->nodes);
            }
        }
        std::size_t replicas = 0;
        for (const PartitionTimeline& each : report.partitions)
            replicas += each.replicas.size() + 1;
        const std::size_t room = (budget > out.size() ? budget - out.size() : 0) * 3 / 10;
        const std::size_t share = room / kPointBytes / std::max<std::size_t>(replicas, 1);
        const std::size_t most = std::clamp(share, kPointsAtLeast, kPointsMax);
        {
            List partitions(object.member("partitions"));
            for (const PartitionTimeline& each : report.partitions) {
                append_partition(partitions.next(), each, most);
            }
        }
        Kinds kinds;
        for (const TraceSlice& slice : report.slices) {
            for (const TraceMessage& message : slice.messages) kinds.emplace(message.kind, 0);
        }
        {
            List names(object.member("kinds"));
            std::size_t index = 0;
            for (auto& [kind, number] : kinds) names.text(kind), number = index++;
        }
        append_slices(object.member("slices"), report, kinds,
                      budget > out.size() ? budget - out.size() : 0);
    }
    return out;
}

}  // namespace tribunal
