// The machine under a search: threads, clocks and memory, all of them in machine.cc. Nothing that
// a search counts or finds depends on what they say, but for where a limit stops it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace tribunal {

// Calls work(0) ... work(n - 1), each on a thread of its own (with n = 1 on this one), and waits.
// The first exception by number of worker is thrown again here.
void run_workers(unsigned n, const std::function<void(unsigned)>& work);

// Where workers wait for each other.
class Rendezvous {
  public:
    explicit Rendezvous(unsigned workers) : workers_(workers) {}
    // The last to arrive calls decide() while all others wait; then all go on. After a leave()
    // nobody waits any more and false is returned: the search is over for everybody.
    template <class Decide>
    bool arrive(Decide&& decide) {
        if (workers_ == 1) {
            decide();
            return !left_.load();
        }
        const std::uint64_t round = round_.load();
        if (arrived_.fetch_add(1) + 1 == workers_) {
            decide();
            arrived_.store(0);
            round_.store(round + 1);
        } else {
            wait_while(round);
        }
        return !left_.load();
    }
    // This worker has failed and will not come.
    void leave() { left_.store(true); }

  private:
    void wait_while(std::uint64_t round) const;
    unsigned workers_;
    std::atomic<unsigned> arrived_{0};
    std::atomic<std::uint64_t> round_{0};
    std::atomic<bool> left_{false};
};

std::int64_t wall_nanoseconds();
std::int64_t cpu_nanoseconds();  // of all threads of this process
std::uint64_t resident_bytes();
std::uint64_t peak_resident_bytes();

// The system gave no memory.
struct OutOfMemory : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Zeroed pages straight from the system, in huge ones where it has them.
class Pages {
  public:
    Pages() = default;
    explicit Pages(std::size_t bytes);
    ~Pages();
    Pages(Pages&& o) noexcept : data_(o.data_), bytes_(o.bytes_) {
        o.data_ = nullptr, o.bytes_ = 0;
    }
    Pages& operator=(Pages&& o) noexcept;
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;
    void* data() const { return data_; }
    std::size_t bytes() const { return bytes_; }
    // Keeps the contents; the address may change. Nothing is copied.
    void grow(std::size_t bytes);
    // Gives the memory of the first `bytes` back; what is read there afterwards is zero.
    void discard_front(std::size_t bytes);

  private:
    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

// A vector of plain values that never holds two copies of itself while it grows.
template <class T>
class PageVector {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::size_t bytes() const { return pages_.bytes(); }
    T& operator[](std::size_t i) { return static_cast<T*>(pages_.data())[i]; }
    const T& operator[](std::size_t i) const { return static_cast<const T*>(pages_.data())[i]; }
    const T* begin() const { return static_cast<const T*>(pages_.data()); }
    const T* end() const { return begin() + size_; }
    void push_back(const T& value) {
        if ((size_ + 1) * sizeof(T) > pages_.bytes()) grow();
        static_cast<T*>(pages_.data())[size_++] = value;
    }
    void clear() { size_ = 0; }
    void swap(PageVector& o) noexcept {
        std::swap(pages_, o.pages_);
        std::swap(size_, o.size_);
    }

  private:
    void grow() {
        constexpr std::size_t kFirst = std::size_t{1} << 16;
        const std::size_t bytes = pages_.bytes();
        // An eighth more: what is reserved and not used stays small.
        pages_.grow(bytes == 0 ? kFirst : bytes + (bytes / 8 < kFirst ? kFirst : bytes / 8));
    }
    Pages pages_;
    std::size_t size_ = 0;
};

}  // namespace tribunal
