// FlatMap and FlatSet: sorted vectors. Iteration order is key order, always; a look-up in the
// small maps of a node (replicas, sessions, timers) costs a few comparisons in one cache line.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/base/digest.h"

namespace tribunal {

// The first that is not below, when those that are come first. Most maps are so small that a scan
// beats halving.
template <class It, class IsBelow>
It first_not_below(It first, It last, IsBelow&& is_below) {
    auto n = last - first;
    while (n > 8) {
        const auto half = n / 2;
        if (is_below(first[half])) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    last = first + n;
    while (first != last && is_below(*first)) ++first;
    return first;
}

template <class K, class V>
class FlatMap {
  public:
    using Entry = std::pair<K, V>;
    using value_type = Entry;

    auto begin() { return entries_.begin(); }
    auto end() { return entries_.end(); }
    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }
    std::size_t size() const { return entries_.size(); }
    bool empty() const { return entries_.empty(); }
    void clear() { entries_.clear(); }

    V* find(const K& key) {
        const auto it = position(key);
        return it != entries_.end() && it->first == key ? &it->second : nullptr;
    }
    const V* find(const K& key) const { return const_cast<FlatMap*>(this)->find(key); }
    bool contains(const K& key) const { return find(key) != nullptr; }

    V& operator[](const K& key) {
        const auto it = position(key);
        if (it != entries_.end() && it->first == key) return it->second;
        return entries_.insert(it, Entry{key, V{}})->second;
    }
    bool erase(const K& key) {
        const auto it = position(key);
        if (it == entries_.end() || it->first != key) return false;
        entries_.erase(it);
        return true;
    }
    template <class Predicate>
    void erase_if(Predicate&& predicate) {
        std::erase_if(entries_, std::forward<Predicate>(predicate));
    }
    bool operator==(const FlatMap&) const = default;

  private:
    auto position(const K& key) {
        return first_not_below(entries_.begin(), entries_.end(),
                               [&](const Entry& e) { return e.first < key; });
    }
    std::vector<Entry> entries_;
};

template <class K>
class FlatSet {
  public:
    using value_type = K;
    FlatSet() = default;
    FlatSet(std::initializer_list<K> keys) {
        for (const K& key : keys) insert(key);
    }

    auto begin() const { return keys_.begin(); }
    auto end() const { return keys_.end(); }
    std::size_t size() const { return keys_.size(); }
    bool empty() const { return keys_.empty(); }
    void clear() { keys_.clear(); }
    bool contains(const K& key) const {
        const auto it = position(key);
        return it != keys_.end() && *it == key;
    }
    bool insert(const K& key) {
        const auto it = position(key);
        if (it != keys_.end() && *it == key) return false;
        keys_.insert(it, key);
        return true;
    }
    bool erase(const K& key) {
        const auto it = position(key);
        if (it == keys_.end() || *it != key) return false;
        keys_.erase(it);
        return true;
    }
    bool operator==(const FlatSet&) const = default;

  private:
    auto position(const K& key) const {
        return first_not_below(keys_.begin(), keys_.end(), [&](const K& k) { return k < key; });
    }
    std::vector<K> keys_;
};

}  // namespace tribunal
