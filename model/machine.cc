#include "model/machine.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <thread>
#include <vector>

namespace tribunal {

void run_workers(unsigned n, const std::function<void(unsigned)>& work) {
    if (n == 1) {
        work(0);
        return;
    }
    std::vector<std::exception_ptr> failures(n);
    std::vector<std::thread> threads;
    threads.reserve(n);
    for (unsigned i = 0; i < n; ++i) {
        threads.emplace_back([&, i] {
            try {
                work(i);
            } catch (...) {
                failures[i] = std::current_exception();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::exception_ptr& failure : failures) {
        if (failure) std::rethrow_exception(failure);
    }
}

void Rendezvous::wait_while(std::uint64_t round) const {
    // Rounds are some hundred microseconds long and even, so the wait is mostly short; but another
    // process may have the processor that the last worker needs.
    for (unsigned spins = 0; round_.load() == round && !left_.load(); ++spins) {
        if (spins > 2000) std::this_thread::yield();
    }
}

std::int64_t wall_nanoseconds() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

std::int64_t cpu_nanoseconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& t) {
        return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 +
               static_cast<std::int64_t>(t.tv_usec) * 1'000;
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

std::uint64_t resident_bytes() {
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr) return 0;
    unsigned long size = 0;
    unsigned long resident = 0;
    const int read = std::fscanf(file, "%lu %lu", &size, &resident);
    std::fclose(file);
    return read == 2 ? static_cast<std::uint64_t>(resident) *
                           static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))
                     : 0;
}

std::uint64_t peak_resident_bytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

[[noreturn]] void refuse(std::size_t bytes) {
    throw OutOfMemory("the system gave no " + std::to_string(bytes >> 20) + " MiB of memory");
}

void prefer_huge_pages(void* data, std::size_t bytes) {
    if (bytes >= 4 * kHugePage) madvise(data, bytes, MADV_HUGEPAGE);
}

}  // namespace

Pages::Pages(std::size_t bytes) : bytes_(bytes) {
    data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data_ == MAP_FAILED) {
        data_ = nullptr;
        bytes_ = 0;
        refuse(bytes);
    }
    prefer_huge_pages(data_, bytes);
}

Pages::~Pages() {
    if (data_ != nullptr) munmap(data_, bytes_);
}

Pages& Pages::operator=(Pages&& o) noexcept {
    std::swap(data_, o.data_);
    std::swap(bytes_, o.bytes_);
    return *this;
}

void Pages::grow(std::size_t bytes) {
    if (data_ == nullptr) {
        *this = Pages(bytes);
        return;
    }
    void* moved = mremap(data_, bytes_, bytes, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) refuse(bytes);
    data_ = moved;
    bytes_ = bytes;
    prefer_huge_pages(data_, bytes);
}

void Pages::discard_front(std::size_t bytes) {
    const std::size_t whole = bytes / kHugePage * kHugePage;
    if (whole > 0) madvise(data_, whole, MADV_DONTNEED);
}

}  // namespace tribunal
