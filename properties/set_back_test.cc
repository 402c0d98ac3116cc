// What a consumer that is told where the logs part (KIP-320) is promised, and what one is that is
// not: D1, O7 and O8 around a truncation, an OFFSET_OUT_OF_RANGE and a reset.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "properties/history_builder.h"
#include "properties/property.h"

namespace tribunal {
namespace {

const Check& check_of(const std::vector<Check>& checks, std::string_view id) {
    for (const Check& check : checks) {
        if (check.id == id) return check;
    }
    throw std::out_of_range("no check " + std::string(id));
}

// One consumer reads one partition to its end.
RunLeftover one_reader() {
    CleanOptions options;
    options.partitions = 1;
    options.consumers = 1;
    options.holes = false;
    options.end_offsets = false;
    return clean_run(5, options);
}

ClientOp moved(const RunLeftover& run, ClientOpKind kind, Offset offset = kNoOffset) {
    ClientOp op;
    op.kind = kind;
    op.outcome = Outcome::ok;
    op.process = run.history.polls.back().process;
    op.partition = run.history.polls.back().partition;
    op.offset = offset;
    op.invoked = op.completed = run.history.end;
    return op;
}

// Behind the consumer, which has read all, the record in the middle is replaced by another one that
// is acknowledged; then `move` says what became of the consumer.
struct Replaced {
    RunLeftover run = one_reader();
    Offset offset;
    RecordUid uid;

    Replaced() {
        FinalLog& log = run.logs.front();
        FinalRecord& record = log.records[log.records.size() / 2];
        offset = record.offset;
        const std::uint32_t client = History::client_of(record.uid);
        SendOp written = send_of(run, record.uid);
        send_of(run, record.uid).outcome = Outcome::info;
        send_of(run, record.uid).offset = kNoOffset;
        run.history.end = run.history.end + seconds(1);
        written.invoked = written.completed = run.history.end;
        uid = History::uid_of(client, run.history.sends[client].size());
        run.history.sends[client].push_back(written);
        record.uid = uid;
        run.facts.any_fault = true;
        run.history.end = run.history.end + seconds(1);
    }
    void happen(const ClientOp& op) {
        run.history.operations.push_back(op);
        run.history.end = run.history.end + seconds(1);
    }
    // A poll of everything from the offset on, but for `left_out` records at its beginning.
    void read_on_from(Offset from, std::int64_t left_out = 0) {
        const FinalLog& log = run.logs.front();
        PollOp poll = run.history.polls.back();
        poll.invoked = poll.completed = run.history.end;
        poll.position = from;
        poll.base_offset = from + left_out;
        poll.first_record = run.history.reads.size();
        poll.records = 0;
        for (const FinalRecord& record : log.records) {
            if (record.offset < poll.base_offset) continue;
            ReadRecord read;
            read.offset_delta =
                static_cast<std::uint32_t>(record.offset.value - poll.base_offset.value);
            read.client = static_cast<std::uint16_t>(History::client_of(record.uid));
            read.sequence = static_cast<std::uint32_t>(History::sequence_of(record.uid));
            run.history.reads.push_back(read);
            ++poll.records;
        }
        run.history.polls.push_back(poll);
    }
    Verdict verdict(std::string_view id) const {
        return check_of(judge(run.history, run.logs, run.facts), id).verdict;
    }
};

TEST(SetBack, a_reset_excuses_what_was_written_behind_a_consumer_that_nobody_tells) {
    struct Case {
        const char* name;
        bool validates;
        ErrorCode error;
        Verdict verdict;
    };
    const Case cases[] = {
        {"before 2.3", false, ErrorCode::offset_out_of_range, Verdict::allowed},
        {"since 2.3 it is out of range below the log start only", true,
         ErrorCode::offset_out_of_range, Verdict::fail},
        {"a leader that has nothing in common with what it read", true, ErrorCode::none,
         Verdict::allowed},
    };
    for (const Case& c : cases) {
        Replaced r;
        for (ClientInfo& client : r.run.history.clients) client.validates_position = c.validates;
        ClientOp reset = moved(r.run, ClientOpKind::reset);
        reset.error = c.error;
        r.happen(reset);
        EXPECT_EQ(r.verdict("D1"), c.verdict) << c.name;
    }
}

TEST(SetBack, a_consumer_has_passed_nothing_behind_where_the_logs_part) {
    struct Case {
        const char* name;
        std::int64_t from_the_record;  // where the logs part
        Verdict verdict;
    };
    const Case cases[] = {{"before the record", -2, Verdict::allowed},
                          {"at the record", 0, Verdict::allowed},
                          {"behind the record", 1, Verdict::fail}};
    for (const Case& c : cases) {
        Replaced r;
        r.happen(moved(r.run, ClientOpKind::truncation, r.offset + c.from_the_record));
        EXPECT_EQ(r.verdict("D1"), c.verdict) << c.name << ": it has not read on yet";
        r.read_on_from(r.offset + std::max<std::int64_t>(1, c.from_the_record));
        EXPECT_EQ(r.verdict("D1"), Verdict::fail) << c.name << ": it was not given the record";
    }
}

TEST(SetBack, what_is_read_again_is_neither_lost_nor_out_of_order) {
    Replaced r;
    r.happen(moved(r.run, ClientOpKind::truncation, r.offset));
    r.read_on_from(r.offset);
    EXPECT_EQ(r.verdict("D1"), Verdict::pass);
    EXPECT_EQ(r.verdict("O7"), Verdict::allowed);
    EXPECT_EQ(r.verdict("O8"), Verdict::pass);
}

TEST(SetBack, nobody_goes_back_further_than_to_where_the_logs_part) {
    Replaced untold;
    untold.read_on_from(untold.offset);
    EXPECT_EQ(untold.verdict("O7"), Verdict::fail);
    Replaced r;
    r.happen(moved(r.run, ClientOpKind::truncation, r.offset + 1));
    r.read_on_from(r.offset);
    EXPECT_EQ(r.verdict("O7"), Verdict::fail);
}

TEST(SetBack, nothing_is_skipped_from_there_on) {
    Replaced r;
    r.happen(moved(r.run, ClientOpKind::truncation, r.offset));
    r.read_on_from(r.offset, 2);
    EXPECT_EQ(r.verdict("O8"), Verdict::fail);
}

}  // namespace
}  // namespace tribunal
