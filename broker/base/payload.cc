#include "broker/base/payload.h"

#include <cstring>
#include <new>

namespace tribunal {

Payload::Payload(std::string_view bytes) {
    void* const memory = ::operator new(sizeof(Block) + bytes.size());
    block_ = new (memory) Block{{1}, static_cast<std::uint32_t>(bytes.size())};
    if (!bytes.empty()) std::memcpy(static_cast<void*>(block_ + 1), bytes.data(), bytes.size());
}

void Payload::release() noexcept {
    block_->~Block();
    ::operator delete(block_);
    block_ = nullptr;
}

}  // namespace tribunal
