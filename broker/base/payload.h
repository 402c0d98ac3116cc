// Payload: immutable bytes that many logs, messages and worlds share; one allocation, one pointer.
//
// A record batch's bytes are made once by a producer and then only passed on, so three replicas,
// their disks and every copy of a world hold the same bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

#include "broker/base/digest.h"

namespace tribunal {

class Payload {
  public:
    Payload() = default;
    explicit Payload(std::string_view bytes);
    Payload(const Payload& other) noexcept : block_(other.block_) {
        if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
    }
    Payload(Payload&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Payload& operator=(Payload other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Payload() {
        if (block_ != nullptr && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            release();
        }
    }

    std::string_view view() const {
        if (block_ == nullptr) return {};
        return {reinterpret_cast<const char*>(block_ + 1), block_->size};
    }
    std::size_t size() const { return block_ == nullptr ? 0 : block_->size; }
    bool operator==(const Payload& other) const {
        return block_ == other.block_ || view() == other.view();
    }

  private:
    struct Block {
        std::atomic<std::uint32_t> references;
        std::uint32_t size;
    };
    void release() noexcept;
    Block* block_ = nullptr;
};

inline void fold(Digest& d, const Payload& x) { d.bytes(x.view()); }

}  // namespace tribunal
