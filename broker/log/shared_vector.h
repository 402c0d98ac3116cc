// A vector whose copies share their elements: a copy costs one pointer a few thousand elements, an
// append after a copy clones one small chunk, reading by index takes constant time. It grows and is
// cut at its end only, so where chunks begin depends on nothing but the index: two equal vectors
// are laid out alike.
//
// Full chunks hang in full blocks; what has not filled a block yet lies beside them.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "broker/base/check.h"

namespace tribunal {

template <class T, std::size_t kChunk = 32, std::size_t kBlock = 64>
class SharedVector {
  public:
    class Iterator {
      public:
        using value_type = T;
        using reference = const T&;
        using pointer = const T*;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::forward_iterator_tag;
        Iterator() = default;
        Iterator(const SharedVector* of, std::size_t index) : of_(of), index_(index) {}
        const T& operator*() const { return (*of_)[index_]; }
        const T* operator->() const { return &(*of_)[index_]; }
        Iterator& operator++() {
            ++index_;
            return *this;
        }
        Iterator operator++(int) {
            Iterator before = *this;
            ++index_;
            return before;
        }
        bool operator==(const Iterator&) const = default;

      private:
        const SharedVector* of_ = nullptr;
        std::size_t index_ = 0;
    };

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    const T& operator[](std::size_t i) const { return chunk(i / kChunk)[i % kChunk]; }
    const T& front() const { return (*this)[0]; }
    const T& back() const { return tail_->back(); }
    Iterator begin() const { return {this, 0}; }
    Iterator end() const { return {this, size_}; }

    void push_back(T value) {
        if (tail_ == nullptr) {
            tail_ = std::make_shared<Chunk>();
        } else if (tail_->size() == kChunk) {
            chunks_.push_back(std::move(tail_));
            if (chunks_.size() == kBlock) {
                blocks_.push_back(std::make_shared<Block>(std::move(chunks_)));
                chunks_ = Block{};
            }
            tail_ = std::make_shared<Chunk>();
        } else {
            own_tail();
        }
        tail_->push_back(std::move(value));
        ++size_;
    }

    // Keeps the first `count` elements.
    void truncate(std::size_t count) {
        CHECK(count <= size_);
        if (count == size_) return;
        if (count == 0) {
            *this = SharedVector{};
            return;
        }
        const std::size_t last = (count - 1) / kChunk;
        if (last < tail_chunk()) {
            std::shared_ptr<Chunk> tail = shared_chunk(last);
            const std::size_t block = last / kBlock;
            if (block < blocks_.size()) {
                chunks_ = *blocks_[block];
                blocks_.resize(block);
            }
            chunks_.resize(last % kBlock);
            tail_ = std::move(tail);
        }
        size_ = count;
        const std::size_t kept = count - last * kChunk;
        if (kept == tail_->size()) return;
        own_tail();
        tail_->erase(tail_->begin() + static_cast<std::ptrdiff_t>(kept), tail_->end());
    }

    // The index of the first element for which `before` is false, when the elements for which it is
    // true come first; size() when there is none.
    template <class Before>
    std::size_t partition_point(Before&& before) const {
        if (empty()) return 0;
        // Logs are mostly read near their end: look at the last few before searching.
        std::size_t low = tail_chunk();
        std::size_t end = tail_->size();
        for (int step = 0; step < 4 && end > 0; ++step, --end) {
            if (before((*tail_)[end - 1])) return low * kChunk + end;
        }
        if (low > 0 && !before(tail_->front())) {
            low = 0;  // the first chunk whose last element is not before
            for (std::size_t high = tail_chunk(); low < high;) {
                const std::size_t middle = (low + high) / 2;
                if (before(chunk(middle).back())) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            if (low < tail_chunk()) end = kChunk;
        }
        const Chunk& found = chunk(low);
        std::size_t first = 0;
        while (first < end) {
            const std::size_t middle = (first + end) / 2;
            if (before(found[middle])) {
                first = middle + 1;
            } else {
                end = middle;
            }
        }
        return low * kChunk + first;
    }

    bool operator==(const SharedVector& o) const {
        if (size_ != o.size_) return false;
        if (size_ == 0) return true;
        for (std::size_t c = 0; c <= tail_chunk(); ++c) {
            if (&chunk(c) != &o.chunk(c) && chunk(c) != o.chunk(c)) return false;
        }
        return true;
    }

    // How many chunks there are and how many of them `other` holds too: for tests and figures.
    std::size_t chunk_count() const { return size_ == 0 ? 0 : tail_chunk() + 1; }
    std::size_t shared_chunks(const SharedVector& other) const {
        std::size_t shared = 0;
        for (std::size_t c = 0; c < chunk_count() && c < other.chunk_count(); ++c) {
            shared += &chunk(c) == &other.chunk(c) ? 1 : 0;
        }
        return shared;
    }

  private:
    using Chunk = std::vector<T>;
    using Block = std::vector<std::shared_ptr<Chunk>>;

    std::size_t tail_chunk() const { return (size_ - 1) / kChunk; }
    const Chunk& chunk(std::size_t c) const {
        if (c == tail_chunk()) return *tail_;
        const std::size_t block = c / kBlock;
        return block < blocks_.size() ? *(*blocks_[block])[c % kBlock] : *chunks_[c % kBlock];
    }
    std::shared_ptr<Chunk> shared_chunk(std::size_t c) const {
        const std::size_t block = c / kBlock;
        return block < blocks_.size() ? (*blocks_[block])[c % kBlock] : chunks_[c % kBlock];
    }
    void own_tail() {
        if (tail_.use_count() == 1) return;
        auto own = std::make_shared<Chunk>();
        own->reserve(tail_->size() < kChunk ? tail_->size() + 1 : kChunk);
        own->insert(own->end(), tail_->begin(), tail_->end());
        tail_ = std::move(own);
    }

    std::vector<std::shared_ptr<Block>> blocks_;  // each of kBlock full chunks
    Block chunks_;                                // full ones, fewer than kBlock
    std::shared_ptr<Chunk> tail_;                 // 1 to kChunk elements; null when empty
    std::size_t size_ = 0;
};

}  // namespace tribunal
