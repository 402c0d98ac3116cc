// Segment indexes and the leader epoch cache against what Kafka's own classes answered.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "broker/base/check.h"
#include "broker/log/checkpoint_files.h"
#include "broker/log/indexes.h"
#include "properties/golden.h"

namespace tribunal {
namespace {

using nlohmann::json;

std::string hex_of(const std::string& bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    for (const char c : bytes) {
        hex += kDigits[static_cast<unsigned char>(c) >> 4];
        hex += kDigits[static_cast<unsigned char>(c) & 15];
    }
    return hex;
}

Offset offset_of(const json& value) { return Offset{value.get<std::int64_t>()}; }
OffsetPosition position_of(const json& pair) {
    return {offset_of(pair.at(0)), pair.at(1).get<std::int64_t>()};
}
TimestampOffset entry_of(const json& pair) {
    return {Timestamp{pair.at(0).get<std::int64_t>()}, offset_of(pair.at(1))};
}

void check_offset_index(const json& c) {
    OffsetIndex index{offset_of(c.at("base_offset")), {}};
    for (const json& entry : c.at("entries")) {
        index.append(offset_of(entry.at(0)), entry.at(1).get<std::int64_t>());
    }
    EXPECT_EQ(hex_of(index.file_bytes()), c.at("file_hex"));
    EXPECT_EQ(index.last_offset(), offset_of(c.at("last_offset")));
    for (const json& lookup : c.at("lookup")) {
        const OffsetPosition want{offset_of(lookup.at(1)), lookup.at(2).get<std::int64_t>()};
        EXPECT_EQ(index.lookup(offset_of(lookup.at(0))), want) << lookup;
    }
    for (const json& bound : c.at("fetch_upper_bound")) {
        const auto found = index.fetch_upper_bound(position_of(bound.at(0)), bound.at(1));
        if (bound.at(2).is_null()) {
            EXPECT_FALSE(found.has_value()) << bound;
        } else {
            EXPECT_EQ(found, position_of(bound.at(2))) << bound;
        }
    }
    index.truncate_to(offset_of(c.at("truncate_to")));
    EXPECT_EQ(index.entries.size(), c.at("entries_after_truncate").get<std::size_t>());
    EXPECT_EQ(index.last_offset(), offset_of(c.at("last_offset_after_truncate")));
}

void check_time_index(const json& c) {
    TimeIndex index{offset_of(c.at("base_offset")), {}};
    for (const json& append : c.at("appends")) {
        const TimestampOffset entry = entry_of(append);
        EXPECT_EQ(index.maybe_append(entry.timestamp, entry.offset), append.at(2).get<bool>())
            << append;
    }
    EXPECT_EQ(hex_of(index.file_bytes()), c.at("file_hex"));
    for (const json& lookup : c.at("lookup")) {
        const TimestampOffset want{Timestamp{lookup.at(1).get<std::int64_t>()},
                                   offset_of(lookup.at(2))};
        EXPECT_EQ(index.lookup(Timestamp{lookup.at(0).get<std::int64_t>()}), want) << lookup;
    }
    index.truncate_to(offset_of(c.at("truncate_to")));
    EXPECT_EQ(index.entries.size(), c.at("entries_after_truncate").get<std::size_t>());
    EXPECT_EQ(index.last_entry(), entry_of(c.at("last_entry_after_truncate")));
}

std::vector<AbortedTransaction> aborted_of(const json& list) {
    std::vector<AbortedTransaction> aborted;
    for (const json& e : list) {
        aborted.push_back({ProducerId{e.at(0).get<std::int64_t>()}, offset_of(e.at(1)),
                           offset_of(e.at(2)), offset_of(e.at(3))});
    }
    return aborted;
}

void check_transaction_index(const json& c) {
    TransactionIndex index;
    for (const AbortedTransaction& aborted : aborted_of(c.at("entries"))) index.append(aborted);
    EXPECT_EQ(hex_of(index.file_bytes()), c.at("file_hex"));
    for (const json& query : c.at("collect")) {
        const TransactionIndex::Found want{aborted_of(query.at(2)), query.at(3).get<bool>()};
        EXPECT_EQ(index.collect(offset_of(query.at(0)), offset_of(query.at(1))), want) << query;
    }
    index.truncate_to(offset_of(c.at("truncate_to")));
    EXPECT_EQ(index.entries, aborted_of(c.at("entries_after_truncate")));
}

TEST(golden, log_indexes) {
    const json golden = load_golden("log-indexes");
    ASSERT_EQ(golden.at("cases").size(), golden.at("header").at("cases"));
    for (const json& c : golden.at("cases")) {
        SCOPED_TRACE(c.at("kind").get<std::string>() + " " + c.at("file_hex").get<std::string>());
        if (c.at("kind") == "offset_index") {
            check_offset_index(c);
        } else if (c.at("kind") == "time_index") {
            check_time_index(c);
        } else {
            ASSERT_EQ(c.at("kind"), "transaction_index");
            check_transaction_index(c);
        }
    }
}

json entries_of(const std::vector<EpochEntry>& entries) {
    json list = json::array();
    for (const EpochEntry& entry : entries) {
        list.push_back({entry.epoch.value, entry.start_offset.value});
    }
    return list;
}

LeaderEpoch epoch_or_none(const json& value) {
    return value.is_null() ? kNoLeaderEpoch : LeaderEpoch{value.get<std::int32_t>()};
}

void play(LeaderEpochFileCache& cache, const json& op) {
    const std::string kind = op.at("op");
    if (kind == "assign") {
        const LeaderEpoch epoch{op.at("epoch").get<std::int32_t>()};
        const Offset start = offset_of(op.at("start_offset"));
        if (op.contains("error")) {
            EXPECT_THROW(cache.assign(epoch, start), CheckFailure);
        } else {
            cache.assign(epoch, start);
        }
    } else if (kind == "truncate_from_end") {
        cache.truncate_from_end(offset_of(op.at("end_offset")));
    } else if (kind == "truncate_from_start") {
        cache.truncate_from_start(offset_of(op.at("start_offset")));
    } else if (kind == "entries_in_range") {
        EXPECT_EQ(entries_of(cache.entries_in_range(offset_of(op.at("start_offset")),
                                                    offset_of(op.at("end_offset")))),
                  op.at("result"));
    } else {
        ASSERT_EQ(kind, "clear");
        cache.clear();
    }
}

TEST(golden, leader_epoch) {
    const json golden = load_golden("leader-epoch");
    ASSERT_EQ(golden.at("cases").size(), golden.at("header").at("cases"));
    for (const json& c : golden.at("cases")) {
        LeaderEpochFileCache cache;
        std::size_t step = 0;
        for (const json& op : c.at("ops")) {
            SCOPED_TRACE(c.at("id").get<std::string>() + " step " + std::to_string(step++));
            play(cache, op);
            EXPECT_EQ(entries_of(cache.entries), op.at("entries"));
            EXPECT_EQ(cache.latest_epoch(), epoch_or_none(op.at("latest_epoch")));
            EXPECT_EQ(cache.previous_epoch(), epoch_or_none(op.at("previous_epoch")));
            for (const json& q : op.at("end_offset_for")) {
                const EpochEnd want{LeaderEpoch{q.at(2).get<std::int32_t>()}, offset_of(q.at(3))};
                EXPECT_EQ(cache.end_offset_for(epoch_or_none(q.at(0)), offset_of(q.at(1))), want)
                    << q;
            }
            for (const json& q : op.at("neighbours")) {
                EXPECT_EQ(cache.previous_epoch(epoch_or_none(q.at(0))), epoch_or_none(q.at(1)));
                EXPECT_EQ(cache.next_epoch(epoch_or_none(q.at(0))), epoch_or_none(q.at(2)));
            }
            for (const json& q : op.at("epoch_for_offset")) {
                EXPECT_EQ(cache.epoch_for_offset(offset_of(q.at(0))), epoch_or_none(q.at(1))) << q;
            }
        }
        cache.assign(LeaderEpoch{c.at("final_assign").at(0).get<std::int32_t>()},
                     offset_of(c.at("final_assign").at(1)));
        const std::string text = c.at("checkpoint_file");
        EXPECT_EQ(leader_epoch_checkpoint_text(cache), text);
        const auto back = parse_leader_epoch_checkpoint(text);
        ASSERT_TRUE(back) << back.error().why;
        EXPECT_EQ(*back, cache);
    }
}

}  // namespace
}  // namespace tribunal
