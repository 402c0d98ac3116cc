// A consumer under a new leader (KIP-320): it asks where the logs part before it fetches, and goes
// back to there; and a fetch that is refused is not repeated as fast as it is refused.
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/client/consumer.h"

namespace tribunal {
namespace {

constexpr TopicPartition kTp{TopicId{0}, 0};
constexpr NodeId kOld{1};
constexpr NodeId kNew{2};
constexpr NodeId kNext{3};

RecordBatch batch_of(std::int64_t base_offset, int records, int epoch) {
    BatchBuilder builder;
    Record record;
    record.value = "v";
    for (int i = 0; i < records; ++i) builder.append(record);
    RecordBatch batch = builder.close();
    batch.base_offset = Offset{base_offset};
    batch.leader_epoch = LeaderEpoch{epoch};
    return batch;
}

// One partition that broker 1 leads in epoch 5; what the consumer sends is kept until the next
// input.
struct Fixture {
    Consumer c;
    Outbox out;
    std::vector<std::pair<TimerId, std::int64_t>> armed;

    // `policy` is auto.offset.reset; the position is 10, the record below it of epoch 5.
    explicit Fixture(OffsetReset policy = OffsetReset::earliest) {
        c.id = NodeId{1000};
        c.config.auto_offset_reset = policy;
        c.metadata.bootstrap = {kOld};
        c.running = true;
        Assigned a;
        a.id = kTp;
        a.assignment = 1;
        a.state = PositionState::valid;
        a.position = {Offset{10}, LeaderEpoch{5}, kOld, LeaderEpoch{5}};
        c.assigned = {a};
        know(kOld, 5);
    }
    Assigned& a() { return c.assigned[0]; }
    void at(Duration since_start) { out.moment = Moment{since_start.value}; }
    // A metadata answer, and what the consumer makes of it.
    void know(NodeId leader, int epoch) {
        MetadataResponse response;
        response.brokers = {kOld, kNew, kNext};
        MetadataTopic topic;
        topic.name = "t";
        topic.topic = kTp.topic;
        topic.partitions.resize(1);
        topic.partitions[0].leader = leader;
        topic.partitions[0].leader_epoch = LeaderEpoch{epoch};
        response.topics = {topic};
        c.metadata.in_flight = true;
        c.metadata.wanted = false;
        on_metadata_response(c.metadata, c.id, response, out);
        run([&] { advance(c, out); });
    }
    template <class Act>
    void run(Act&& act) {
        out.effects.clear();
        out.notes.clear();
        act();
        for (const Effect& effect : out.effects) {
            const auto forget = [&](TimerId id) {
                std::erase_if(armed, [&](const auto& t) { return t.first == id; });
            };
            if (const auto* arm = std::get_if<Arm>(&effect)) {
                forget(arm->timer);
                armed.emplace_back(arm->timer, arm->since.opaque + arm->after.value);
            } else if (const auto* disarm = std::get_if<Disarm>(&effect)) {
                forget(disarm->timer);
            }
        }
    }
    // The last request of a kind that was sent, and to whom.
    template <class Request>
    const Request* sent(NodeId* to = nullptr, std::int32_t* correlation = nullptr) const {
        const Request* found = nullptr;
        for (const Effect& effect : out.effects) {
            const auto* send = std::get_if<Send>(&effect);
            const auto* m = send == nullptr ? nullptr : send->message.get_if<Request>();
            if (m == nullptr) continue;
            found = m;
            if (to != nullptr) *to = send->connection.server;
            if (correlation != nullptr) *correlation = send->correlation;
        }
        return found;
    }
    // Answers the validation that is under way at this broker.
    void answer(NodeId broker, ErrorCode error, std::int64_t end = -1, int epoch = -1) {
        const auto it = std::find_if(c.look_ups.begin(), c.look_ups.end(),
                                     [&](const LookUp& l) { return l.broker == broker; });
        ASSERT_NE(it, c.look_ups.end());
        ASSERT_EQ(it->kind, LookUpKind::validate);
        OffsetsForLeaderEpochResponse response;
        response.partitions = {{kTp, error, LeaderEpoch{epoch}, Offset{end}}};
        const std::int32_t correlation = it->correlation;
        run([&] { on_epoch_end_offsets(c, correlation, response, out); });
    }
    void answer_fetch(NodeId broker, FetchPartitionResponse r) {
        r.partition = kTp;
        FetchResponse response;
        response.session_id = 1;
        response.partitions = {std::move(r)};
        const std::int32_t correlation = c.links[broker].in_flight;
        ASSERT_NE(correlation, 0);
        run([&] { on_fetch_response(c, broker, correlation, response, out); });
    }
    void refuse_fetch(NodeId broker, ErrorCode error) {
        FetchPartitionResponse r;
        r.error = error;
        answer_fetch(broker, std::move(r));
    }
    void fire_retries() {
        const auto now = armed;
        for (const auto& [id, due] : now) {
            if (kind_of(id) != TimerKind::retry || due > out.moment.opaque) continue;
            std::erase_if(armed, [&](const auto& t) { return t.first == id; });
            run([&, timer = id] { step(c, Input{TimerFired{timer}}, out); });
        }
    }
    // Kinds of what the history is told, "truncation@7 ".
    std::string operations() const {
        std::string text;
        for (const Note& note : out.notes) {
            const auto* op = std::get_if<ClientOperation>(&note);
            if (op == nullptr || op->completed) continue;
            text += op->kind == ClientOpKind::truncation ? "truncation@"
                    : op->kind == ClientOpKind::reset    ? "reset@"
                                                         : "look-up@";
            text += std::to_string(op->offset.value) + " ";
        }
        return text;
    }
    bool has_thrown() const {
        return std::any_of(out.notes.begin(), out.notes.end(), [](const Note& note) {
            return std::holds_alternative<DeserializationFailed>(note);
        });
    }
};

TEST(position, is_validated_by_a_new_leader_before_anything_is_fetched_there) {
    Fixture f;
    f.know(kNew, 6);
    NodeId asked = kNoNode;
    const auto* request = f.sent<OffsetsForLeaderEpochRequest>(&asked);
    ASSERT_NE(request, nullptr);
    EXPECT_EQ(asked, kNew);
    EXPECT_EQ(request->replica, kNoNode);
    ASSERT_EQ(request->partitions.size(), 1u);
    EXPECT_EQ(request->partitions[0].current_leader_epoch, LeaderEpoch{6});
    EXPECT_EQ(request->partitions[0].leader_epoch, LeaderEpoch{5});
    EXPECT_EQ(f.sent<FetchRequest>(), nullptr);

    f.answer(kNew, ErrorCode::none, 10, 5);
    NodeId fetched = kNoNode;
    const auto* fetch = f.sent<FetchRequest>(&fetched);
    ASSERT_NE(fetch, nullptr);
    EXPECT_EQ(fetched, kNew);
    EXPECT_EQ(fetch->partitions[0].fetch_offset, Offset{10});
    EXPECT_EQ(fetch->partitions[0].current_leader_epoch, LeaderEpoch{6});
    EXPECT_EQ(fetch->partitions[0].last_fetched_epoch, kNoLeaderEpoch);
    EXPECT_EQ(f.operations(), "");
}

TEST(position, is_validated_by_the_same_broker_in_a_new_epoch) {
    Fixture f;
    f.know(kOld, 6);
    EXPECT_NE(f.sent<OffsetsForLeaderEpochRequest>(), nullptr);
}

TEST(position, goes_back_to_where_the_logs_part) {
    struct Case {
        const char* name;
        OffsetReset policy;
        std::int64_t end;
        int epoch;
        PositionState state;
        std::int64_t position;
        const char* operations;
    };
    using enum PositionState;
    const Case cases[] = {
        {"the log goes on", OffsetReset::latest, 12, 5, valid, 10, ""},
        {"it ends at the position", OffsetReset::none, 10, 5, valid, 10, ""},
        {"cut in the same epoch", OffsetReset::latest, 7, 5, valid, 7, "truncation@7 "},
        {"cut to an older epoch", OffsetReset::earliest, 3, 2, valid, 3, "truncation@3 "},
        {"all is different", OffsetReset::latest, -1, -1, resetting, 10, "reset@10 look-up@-1 "},
        {"cut, without a policy", OffsetReset::none, 7, 5, failed, 10, ""},
        {"all is different, without", OffsetReset::none, -1, -1, failed, 10, ""},
        {"of a broker that gives no epochs", OffsetReset::latest, 7, -1, valid, 10, ""},
    };
    for (const Case& c : cases) {
        Fixture f{c.policy};
        f.know(kNew, 6);
        f.answer(kNew, ErrorCode::none, c.end, c.epoch);
        EXPECT_EQ(f.a().state, c.state) << c.name;
        EXPECT_EQ(f.a().position.offset, Offset{c.position}) << c.name;
        EXPECT_EQ(f.operations(), c.operations) << c.name;
        EXPECT_EQ(f.has_thrown(), c.state == failed) << c.name;
        EXPECT_EQ(f.sent<FetchRequest>() != nullptr, c.state == valid) << c.name;
        if (f.a().position.offset < Offset{10}) {
            EXPECT_EQ(f.a().position.offset_epoch, LeaderEpoch{c.epoch}) << c.name;
        }
    }
}

TEST(position, of_which_no_epoch_is_known_is_taken_as_it_is) {
    Fixture f;
    seek_unvalidated(f.c, f.a(), Offset{4}, kNoLeaderEpoch);
    f.know(kNew, 6);
    EXPECT_EQ(f.sent<OffsetsForLeaderEpochRequest>(), nullptr);
    const auto* fetch = f.sent<FetchRequest>();
    ASSERT_NE(fetch, nullptr);
    EXPECT_EQ(fetch->partitions[0].current_leader_epoch, LeaderEpoch{6});
}

TEST(position, was_never_validated_before_2_3) {
    Fixture f;
    f.c.config.rules.validates_position = false;
    f.know(kNew, 6);
    EXPECT_EQ(f.sent<OffsetsForLeaderEpochRequest>(), nullptr);
    EXPECT_NE(f.sent<FetchRequest>(), nullptr);
}

TEST(position, waits_with_its_leader_while_there_is_none) {
    Fixture f;
    f.know(kNoNode, 6);
    EXPECT_EQ(f.a().position.leader, kOld);
    EXPECT_EQ(f.a().state, PositionState::valid);
}

TEST(validation, of_a_leader_that_is_replaced_meanwhile_counts_no_more) {
    Fixture f;
    f.know(kNew, 6);
    f.know(kNext, 7);
    NodeId asked = kNoNode;
    ASSERT_NE(f.sent<OffsetsForLeaderEpochRequest>(&asked), nullptr);
    EXPECT_EQ(asked, kNext);
    f.answer(kNew, ErrorCode::none, 3, 5);
    EXPECT_EQ(f.a().state, PositionState::validating);
    EXPECT_EQ(f.a().position.offset, Offset{10});
    f.answer(kNext, ErrorCode::none, 12, 5);
    EXPECT_EQ(f.a().state, PositionState::valid);
}

TEST(validation, that_a_seek_made_pointless_does_not_move_the_position) {
    Fixture f;
    f.know(kNew, 6);
    seek_unvalidated(f.c, f.a(), Offset{9}, kNoLeaderEpoch);
    f.answer(kNew, ErrorCode::none, 3, 5);
    EXPECT_EQ(f.a().position.offset, Offset{9});
}

TEST(validation, that_fails_is_repeated_after_retry_backoff_ms_and_asks_for_metadata) {
    struct Case {
        const char* name;
        void (*fails)(Fixture& f);
    };
    const Case cases[] = {
        {"fenced", [](Fixture& f) { f.answer(kNew, ErrorCode::fenced_leader_epoch); }},
        {"unknown", [](Fixture& f) { f.answer(kNew, ErrorCode::unknown_leader_epoch); }},
        {"no leader", [](Fixture& f) { f.answer(kNew, ErrorCode::not_leader_or_follower); }},
        {"a broken connection",
         [](Fixture& f) {
             f.run([&] {
                 on_look_ups_broken(f.c, kNew, f.out);
                 advance(f.c, f.out);
             });
         }},
    };
    for (const Case& c : cases) {
        Fixture f;
        f.know(kNew, 6);
        c.fails(f);
        EXPECT_TRUE(f.c.metadata.wanted) << c.name;
        EXPECT_EQ(f.sent<OffsetsForLeaderEpochRequest>(), nullptr) << c.name << ": at once";
        f.at(f.c.config.retry_backoff);
        f.fire_retries();
        EXPECT_NE(f.sent<OffsetsForLeaderEpochRequest>(), nullptr) << c.name;
        // A newer leader is asked without waiting.
        c.fails(f);
        f.know(kNext, 7);
        EXPECT_NE(f.sent<OffsetsForLeaderEpochRequest>(), nullptr) << c.name << ": of the next";
    }
}

// Metadata that was asked for before says nothing of the refusal, so that nobody waits for it.
TEST(fetch, that_is_refused_waits_retry_backoff_ms_even_while_metadata_is_in_flight) {
    for (const ErrorCode error :
         {ErrorCode::fenced_leader_epoch, ErrorCode::unknown_leader_epoch,
          ErrorCode::not_leader_or_follower, ErrorCode::offset_not_available}) {
        Fixture f;
        f.c.metadata.in_flight = true;
        f.refuse_fetch(kOld, error);
        EXPECT_EQ(f.sent<FetchRequest>(), nullptr) << name_of(error) << ": at once";
        f.know(kOld, 5);
        EXPECT_EQ(f.sent<FetchRequest>(), nullptr) << name_of(error) << ": nothing is new";
        f.at(f.c.config.retry_backoff);
        f.fire_retries();
        EXPECT_NE(f.sent<FetchRequest>(), nullptr) << name_of(error);
    }
}

TEST(fetch, that_is_fenced_goes_on_as_soon_as_the_new_leader_is_known) {
    Fixture f;
    f.refuse_fetch(kOld, ErrorCode::fenced_leader_epoch);
    EXPECT_TRUE(f.c.metadata.wanted);
    f.know(kNew, 6);
    f.answer(kNew, ErrorCode::none, 10, 5);
    EXPECT_NE(f.sent<FetchRequest>(), nullptr);
}

TEST(commit, tells_the_epoch_of_the_last_record_that_was_read) {
    for (const int batches : {0, 1, 2}) {
        Fixture f;
        f.c.config.max_poll_records = 1;
        f.c.key_deserializer = f.c.value_deserializer = Serde::bytes;
        FetchPartitionResponse r;
        for (int i = 0; i < batches; ++i) r.batches.push_back(batch_of(10 + 2 * i, 2, 6 + i));
        f.answer_fetch(kOld, std::move(r));
        f.c.group = "g";
        f.c.coordinator = kOld;
        f.run([&] { commit(f.c, f.out); });
        const auto* request = f.sent<OffsetCommitRequest>();
        ASSERT_NE(request, nullptr) << batches;
        EXPECT_EQ(request->offsets[0].offset, Offset{10 + 2 * batches});
        EXPECT_EQ(request->offsets[0].leader_epoch, LeaderEpoch{5 + batches});
    }
}

TEST(committed_offset, is_validated_when_a_consumer_resumes_from_it) {
    struct Case {
        const char* name;
        int epoch;      // that was committed
        bool is_asked;  // the leader that is known
    };
    const Case cases[] = {{"of an older epoch", 4, true},
                          {"of the known epoch", 5, true},
                          {"of a newer one: the metadata are old", 6, false},
                          {"of none", -1, false}};
    for (const Case& c : cases) {
        Fixture f;
        f.c.group = "g";
        f.c.coordinator = kOld;
        f.a().state = PositionState::unknown;
        f.c.links = {};  // nothing was fetched yet
        f.run([&] { advance(f.c, f.out); });
        std::int32_t correlation = 0;
        ASSERT_NE(f.sent<OffsetFetchRequest>(nullptr, &correlation), nullptr);
        OffsetFetchResponse response;
        response.offsets = {{kTp, Offset{8}, LeaderEpoch{c.epoch}, ErrorCode::none}};
        f.run([&] { on_committed(f.c, correlation, response, f.out); });
        EXPECT_EQ(f.sent<OffsetsForLeaderEpochRequest>() != nullptr, c.is_asked) << c.name;
        EXPECT_EQ(f.sent<FetchRequest>() != nullptr, c.epoch < 0) << c.name;
        EXPECT_EQ(f.c.metadata.wanted, c.epoch > 5) << c.name;
        if (c.epoch <= 5) continue;
        f.know(kNew, 6);
        const auto* request = f.sent<OffsetsForLeaderEpochRequest>();
        ASSERT_NE(request, nullptr) << c.name;
        EXPECT_EQ(request->partitions[0].leader_epoch, LeaderEpoch{6}) << c.name;
    }
}

TEST(validation, of_partitions_with_one_leader_goes_in_one_request) {
    Fixture f;
    Assigned other = f.a();
    other.id.partition = 1;
    f.c.assigned.push_back(other);
    f.c.metadata.known[0].partitions.push_back({kNew, LeaderEpoch{6}});
    f.c.metadata.known[0].partitions[0] = {kNew, LeaderEpoch{6}};
    f.run([&] { advance(f.c, f.out); });
    const auto* request = f.sent<OffsetsForLeaderEpochRequest>();
    ASSERT_NE(request, nullptr);
    EXPECT_EQ(request->partitions.size(), 2u);
    EXPECT_EQ(f.c.look_ups.size(), 2u);
    OffsetsForLeaderEpochResponse response;
    response.partitions = {{kTp, ErrorCode::none, LeaderEpoch{5}, Offset{3}},
                           {other.id, ErrorCode::none, LeaderEpoch{5}, Offset{10}}};
    const std::int32_t correlation = f.c.look_ups[0].correlation;
    f.run([&] { on_epoch_end_offsets(f.c, correlation, response, f.out); });
    EXPECT_EQ(f.c.assigned[0].position.offset, Offset{3});
    EXPECT_EQ(f.c.assigned[1].position.offset, Offset{10});
    EXPECT_TRUE(f.c.look_ups.empty());
}

}  // namespace
}  // namespace tribunal
