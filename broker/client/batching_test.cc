// How many records a producer puts into a batch when it compresses them, and what it does with one
// that the broker finds too large.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "broker/client/producer.h"

namespace tribunal {
namespace {

TEST(compression_ratio, goes_up_at_once_and_down_by_small_steps) {
    struct Case {
        const char* name;
        std::int64_t estimated, observed, want;
    };
    const Case cases[] = {
        {"as thought", 500'000, 500'000, 500'000},
        {"a little worse: up by a step", 500'000, 510'000, 550'000},
        {"much worse: up to what was seen", 500'000, 900'000, 900'000},
        {"a little better: down to what was seen", 500'000, 498'000, 498'000},
        {"much better: down by a step", 500'000, 100'000, 495'000},
    };
    for (const Case& c : cases) EXPECT_EQ(updated_ratio(c.estimated, c.observed), c.want) << c.name;
    EXPECT_EQ(estimated_bytes(1000, kRatioOne / 2), 525);
    EXPECT_EQ(observed_ratio(250, 1000), kRatioOne / 4);
}

constexpr NodeId kBroker{1};

// One producer, one partition, a broker that takes batches up to a size.
struct Fixture {
    Producer p;
    Outbox out;
    std::vector<RecordBatch> written;
    std::vector<SendCompleted> completed;
    std::int64_t most = INT64_MAX;  // max.message.bytes
    int refused = 0;

    Fixture(ProducerConfig config, std::uint64_t records, std::int32_t value_size) {
        p.id = NodeId{200};
        p.topic = "t";
        p.config = config;
        p.config.linger = seconds(1);
        p.config.max_in_flight = 1;
        p.load.interval = nanoseconds(1);
        p.load.partition = 0;
        p.load.records = records;
        p.load.value_size = value_size;
        p.metadata.bootstrap = {kBroker};
        p.metadata.topics = {"t"};
        give(Start{});
        MetadataResponse metadata;
        metadata.brokers = {kBroker};
        MetadataTopic topic;
        topic.name = "t";
        topic.topic = TopicId{0};
        topic.partitions.resize(1);
        topic.partitions.front().leader = kBroker;
        metadata.topics = {topic};
        give(Deliver{{p.id, kBroker, Lane::metadata}, true, 1, metadata});
    }

    // The steps that follow from one input, the broker's answers included.
    void give(Input input) {
        std::vector<Input> todo{std::move(input)};
        int steps = 0;
        while (!todo.empty()) {
            if (++steps > 1000) FAIL() << "it sends the same again and again";
            const Input next = std::move(todo.front());
            todo.erase(todo.begin());
            out.effects.clear();
            out.notes.clear();
            step(p, next, out);
            for (const Effect& effect : out.effects) {
                const auto* send = std::get_if<Send>(&effect);
                if (send == nullptr) continue;
                if (const auto* produce = send->message.get_if<ProduceRequest>()) {
                    todo.push_back(
                        Deliver{send->connection, true, send->correlation, answer(*produce)});
                } else if (send->message.holds<InitProducerIdRequest>()) {
                    todo.push_back(
                        Deliver{send->connection, true, send->correlation,
                                InitProducerIdResponse{ErrorCode::none, ProducerId{7}, 0}});
                }
            }
            for (const Note& note : out.notes) {
                if (const auto* done = std::get_if<SendCompleted>(&note)) {
                    completed.push_back(*done);
                }
            }
        }
    }
    ProduceResponse answer(const ProduceRequest& request) {
        ProduceResponse response;
        ProducePartitionResponse& r = response.partitions.emplace_back();
        const RecordBatch& batch = request.partitions.front().batch;
        r.partition = request.partitions.front().partition;
        EXPECT_TRUE(is_intact(batch));
        if (batch.size_in_bytes() > most) {
            ++refused;
            r.error = ErrorCode::message_too_large;
        } else {
            r.base_offset = written.empty() ? Offset{0} : written.back().next_offset();
            RecordBatch placed = batch;
            placed.base_offset = r.base_offset;
            written.push_back(placed);
        }
        return response;
    }
    void run() {
        for (std::uint64_t n = 0; n < p.load.records; ++n) {
            give(TimerFired{timer(TimerKind::load), static_cast<std::uint32_t>(n)});
        }
        give(TimerFired{timer(TimerKind::linger, 0)});
    }
    // Every record once, in order, and told so.
    void expect_all_written() {
        std::int64_t next = 0;
        for (const RecordBatch& batch : written) {
            EXPECT_TRUE(for_each_record(batch, [&](const RecordView& record) {
                EXPECT_EQ(record.uid, RecordUid{next});
                EXPECT_EQ(record.offset, Offset{next});
                ++next;
            }));
        }
        EXPECT_EQ(next, static_cast<std::int64_t>(p.load.records));
        ASSERT_EQ(completed.size(), p.load.records);
        for (const SendCompleted& done : completed) {
            EXPECT_EQ(done.error, ErrorCode::none);
            EXPECT_EQ(done.offset.value, done.uid.value);
        }
        EXPECT_EQ(p.unfinished, 0u);
        EXPECT_EQ(p.buffered_bytes, 0);
    }
};

ProducerConfig config_of(CompressionType type, std::int32_t batch_size, bool idempotence = false) {
    ProducerConfig config;
    config.compression = type;
    config.batch_size = batch_size;
    config.idempotence = idempotence;
    return config;
}

TEST(batching, batches_of_compressed_records_grow_as_the_producer_learns) {
    for (const CompressionType type :
         {CompressionType::none, CompressionType::gzip, CompressionType::snappy,
          CompressionType::lz4, CompressionType::zstd}) {
        Fixture f(config_of(type, 2000), 3000, 100);
        f.run();
        f.expect_all_written();
        const std::int32_t first = f.written.front().record_count;
        const std::int32_t late = f.written[f.written.size() - 2].record_count;
        for (const RecordBatch& batch : f.written) {
            EXPECT_EQ(batch.compression(), type);
            EXPECT_LE(batch.size_in_bytes(), 2000);
        }
        if (type == CompressionType::none) {
            EXPECT_EQ(first, late);
            EXPECT_EQ(f.p.compression_ratio, kRatioOne);
        } else {
            EXPECT_GT(late, first + first / 3);
            EXPECT_LT(f.p.compression_ratio, 7 * kRatioOne / 10);
        }
    }
}

TEST(batching, a_batch_that_is_too_large_is_sent_in_pieces) {
    for (const CompressionType type : {CompressionType::gzip, CompressionType::zstd}) {
        for (const bool idempotence : {false, true}) {
            Fixture f(config_of(type, 4000, idempotence), 400, 100);
            // It believes that nothing is left of its records, and batches get far too large.
            f.p.compression_ratio = 1000;
            f.most = 1500;
            f.run();
            EXPECT_GT(f.refused, 0);
            f.expect_all_written();
            EXPECT_GE(f.p.compression_ratio, kRatioOne - 20 * kRatioImproves);
            if (!idempotence) continue;
            std::int32_t sequence = 0;
            for (const RecordBatch& batch : f.written) {
                EXPECT_EQ(batch.base_sequence, sequence);
                EXPECT_EQ(batch.producer_id, ProducerId{7});
                sequence += batch.record_count;
            }
            EXPECT_TRUE(f.p.queues[0].sequences.in_flight.empty());
        }
    }
}

TEST(batching, a_record_that_is_too_large_by_itself_fails) {
    Fixture f(config_of(CompressionType::none, 4000), 1, 3000);
    f.most = 1000;
    f.run();
    ASSERT_EQ(f.completed.size(), 1u);
    EXPECT_EQ(f.completed.front().error, ErrorCode::message_too_large);
    EXPECT_FALSE(f.completed.front().unknown);
    EXPECT_EQ(f.p.buffered_bytes, 0);
}

}  // namespace
}  // namespace tribunal
