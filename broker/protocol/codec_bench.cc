// Records per second into batches and out of them, and what compression costs beside the bare
// library call. A batch has 100 records with values of 100 bytes that look like log lines.
#include <benchmark/benchmark.h>
#include <lz4.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>

#include "broker/base/crc32c.h"
#include "broker/protocol/batch_bytes.h"
#include "broker/protocol/compression.h"

namespace tribunal {
namespace {

constexpr int kRecords = 100;

std::vector<Record> log_lines() {
    std::vector<Record> records;
    std::uint32_t state = 1;
    for (int n = 0; n < kRecords; ++n) {
        Record& record = records.emplace_back();
        record.key = "user-" + std::to_string(n % 17);
        std::string line = "level=info at=" + std::to_string(1000 * n);
        while (line.size() < 100) {
            state = state * 1664525u + 1013904223u;
            line += " w" + std::to_string(state >> 20);
        }
        line.resize(100);
        record.value = std::move(line);
        record.timestamp = Timestamp{1'700'000'000'000 + n};
        record.uid = RecordUid{n};
    }
    return records;
}

RecordBatch a_batch(CompressionType type) {
    BatchBuilder builder;
    for (const Record& record : log_lines()) builder.append(record);
    return builder.close(kNoProducerId, -1, -1, type);
}

std::string plain_records() { return std::string{a_batch(CompressionType::none).records.view()}; }

void count(benchmark::State& state, std::size_t bytes) {
    state.SetItemsProcessed(state.iterations() * kRecords);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void copy(benchmark::State& state) {
    const std::string bytes = plain_records();
    std::string to(bytes.size(), '\0');
    for (auto _ : state) {
        std::memcpy(to.data(), bytes.data(), bytes.size());
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
    }
    count(state, bytes.size());
}
BENCHMARK(copy)->Name("codec/memcpy");

void checksum_of_records(benchmark::State& state) {
    const std::string bytes = plain_records();
    for (auto _ : state) benchmark::DoNotOptimize(crc32c(bytes));
    count(state, bytes.size());
}
BENCHMARK(checksum_of_records)->Name("codec/crc32c");

void build(benchmark::State& state) {
    const std::vector<Record> records = log_lines();
    const auto type = static_cast<CompressionType>(state.range(0));
    BatchBuilder builder;
    for (auto _ : state) {
        for (const Record& record : records) builder.append(record);
        benchmark::DoNotOptimize(builder.close(kNoProducerId, -1, -1, type));
    }
    state.SetLabel(std::string{name_of(type)});
    count(state, plain_records().size());
}
BENCHMARK(build)->Name("codec/build")->DenseRange(0, 4);

void read(benchmark::State& state) {
    const RecordBatch batch = a_batch(static_cast<CompressionType>(state.range(0)));
    for (auto _ : state) {
        std::int64_t sum = 0;
        for_each_record(batch, [&](const RecordView& r) { sum += r.uid.value + r.offset.value; });
        benchmark::DoNotOptimize(sum);
    }
    state.SetLabel(std::string{name_of(batch.compression())});
    count(state, plain_records().size());
}
BENCHMARK(read)->Name("codec/read")->DenseRange(0, 4);

void to_bytes(benchmark::State& state) {
    const RecordBatch batch = a_batch(CompressionType::none);
    std::string bytes;
    for (auto _ : state) {
        bytes.clear();
        encode_batch(bytes, batch);
        benchmark::DoNotOptimize(bytes.data());
    }
    count(state, bytes.size());
}
BENCHMARK(to_bytes)->Name("codec/encode batch");

// Framing, header, one copy of the records; without and with the CRC.
void from_bytes(benchmark::State& state) {
    std::string bytes;
    encode_batch(bytes, a_batch(CompressionType::none));
    for (auto _ : state) {
        std::string_view in = bytes;
        const auto batch = decode_batch(take_batch(in).bytes);
        if (state.range(0) != 0) benchmark::DoNotOptimize(is_intact(*batch));
        benchmark::DoNotOptimize(batch->records.view().data());
    }
    count(state, bytes.size());
}
BENCHMARK(from_bytes)->Name("codec/decode batch")->Arg(0)->Arg(1);

void pack(benchmark::State& state) {
    const std::string bytes = plain_records();
    const auto type = static_cast<CompressionType>(state.range(0));
    for (auto _ : state) benchmark::DoNotOptimize(compress(type, bytes));
    state.SetLabel(std::string{name_of(type)} + " " +
                   std::to_string(100 * compress(type, bytes).size() / bytes.size()) + " %");
    count(state, bytes.size());
}
BENCHMARK(pack)->Name("codec/compress")->DenseRange(1, 4);

void unpack(benchmark::State& state) {
    const auto type = static_cast<CompressionType>(state.range(0));
    const std::string bytes = plain_records();
    const std::string packed = compress(type, bytes);
    for (auto _ : state) benchmark::DoNotOptimize(decompress(type, packed));
    state.SetLabel(std::string{name_of(type)});
    count(state, bytes.size());
}
BENCHMARK(unpack)->Name("codec/decompress")->DenseRange(1, 4);

// The bare calls, into memory that is there already.
std::size_t bare_pack(CompressionType type, std::string_view in, std::string& out) {
    std::size_t size = out.size();
    switch (type) {
        case CompressionType::gzip: {
            uLongf length = size;
            compress2(reinterpret_cast<Bytef*>(out.data()), &length,
                      reinterpret_cast<const Bytef*>(in.data()), in.size(), Z_DEFAULT_COMPRESSION);
            return length;
        }
        case CompressionType::snappy:
            snappy_compress(in.data(), in.size(), out.data(), &size);
            return size;
        case CompressionType::lz4:
            return static_cast<std::size_t>(LZ4_compress_default(
                in.data(), out.data(), static_cast<int>(in.size()), static_cast<int>(size)));
        default:
            return ZSTD_compress(out.data(), size, in.data(), in.size(), 3);
    }
}
void bare_unpack(CompressionType type, std::string_view in, std::string& out) {
    std::size_t size = out.size();
    switch (type) {
        case CompressionType::gzip: {
            uLongf length = size;
            uncompress(reinterpret_cast<Bytef*>(out.data()), &length,
                       reinterpret_cast<const Bytef*>(in.data()), in.size());
            return;
        }
        case CompressionType::snappy:
            snappy_uncompress(in.data(), in.size(), out.data(), &size);
            return;
        case CompressionType::lz4:
            LZ4_decompress_safe(in.data(), out.data(), static_cast<int>(in.size()),
                                static_cast<int>(size));
            return;
        default:
            ZSTD_decompress(out.data(), size, in.data(), in.size());
    }
}
void bare(benchmark::State& state) {
    const auto type = static_cast<CompressionType>(state.range(0));
    const std::string bytes = plain_records();
    std::string packed(2 * bytes.size() + 1000, '\0');
    std::string out(bytes.size(), '\0');
    const std::size_t size = bare_pack(type, bytes, packed);
    for (auto _ : state) {
        if (state.range(1) == 0) {
            bare_pack(type, bytes, packed);
        } else {
            bare_unpack(type, {packed.data(), size}, out);
        }
        benchmark::ClobberMemory();
    }
    state.SetLabel(std::string{name_of(type)} + (state.range(1) == 0 ? " in" : " out"));
    count(state, bytes.size());
}
BENCHMARK(bare)->Name("codec/library")->ArgsProduct({{1, 2, 3, 4}, {0, 1}});

}  // namespace
}  // namespace tribunal
