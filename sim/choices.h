// The one choice interface: whatever could have gone otherwise is one call of choose().
//
// A seeded generator samples, a recorded list replays, somebody at a shell or an explorer answers
// by himself: the world does not know which.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/digest.h"
#include "broker/base/prng.h"

namespace tribunal {

enum class ChoiceKind : std::uint8_t {
    tie,               // which of several events of one instant comes first
    network_latency,   // 2^32 points of the latency distribution
    disk_write,        // likewise, into the page cache
    disk_sync,         // likewise, to the platter
    surviving_writes,  // how many of n unsynced writes of a file a power loss leaves: n + 1 options
    torn_tail,         // whether the next one is cut in half
    fault_gap,         // time to the next drawn fault
    fault_target,      // which of several nodes
    client_value,      // what a client does next
    timer_jitter,      // how much of its jitter a timer gets: 2^32 points
};
inline constexpr std::size_t kChoiceKinds = 10;
std::string_view name_of(ChoiceKind kind);

class Chooser {
  public:
    virtual ~Chooser() = default;
    // A value in [0, options), options > 0. `stream` is the node (or 0) for which it is made.
    virtual std::uint64_t choose(ChoiceKind kind, std::uint32_t stream, std::uint64_t options) = 0;

  protected:
    Chooser() = default;
    Chooser(const Chooser&) = default;
    Chooser& operator=(const Chooser&) = default;
};

// One independent stream for each kind and node: a draw more in the network shifts nothing else.
class SeededChooser final : public Chooser {
  public:
    explicit SeededChooser(std::uint64_t seed) : root_(seed) {}
    std::uint64_t choose(ChoiceKind kind, std::uint32_t stream, std::uint64_t options) override {
        const std::size_t index = stream * kChoiceKinds + static_cast<std::size_t>(kind);
        if (index >= streams_.size()) grow(index);
        return streams_[index].below(options);
    }

  private:
    void grow(std::size_t index);
    Prng root_;
    std::vector<Prng> streams_;
};

struct Choice {
    ChoiceKind kind = ChoiceKind::tie;
    std::uint32_t stream = 0;
    std::uint64_t options = 0;
    std::uint64_t taken = 0;
    TRIBUNAL_FIELDS(Choice, kind, stream, options, taken)
};

// Passes on to another chooser and keeps what it said.
class RecordingChooser final : public Chooser {
  public:
    explicit RecordingChooser(Chooser& inner) : inner_(inner) {}
    std::uint64_t choose(ChoiceKind kind, std::uint32_t stream, std::uint64_t options) override {
        const std::uint64_t taken = inner_.choose(kind, stream, options);
        choices_.push_back({kind, stream, options, taken});
        return taken;
    }
    const std::vector<Choice>& choices() const { return choices_; }

  private:
    Chooser& inner_;
    std::vector<Choice> choices_;
};

// Plays a list back. Tolerant of small divergences: each kind and node has its own list, a value
// too large for the options is taken modulo, and when a list is empty the answer is 0. `diverged`
// counts how often it had to bend.
class RecordedChooser final : public Chooser {
  public:
    explicit RecordedChooser(const std::vector<Choice>& choices);
    std::uint64_t choose(ChoiceKind kind, std::uint32_t stream, std::uint64_t options) override;
    std::uint64_t diverged() const { return diverged_; }

  private:
    struct List {
        std::vector<Choice> choices;
        std::size_t next = 0;
    };
    std::vector<List> lists_;
    std::uint64_t diverged_ = 0;
};

// Asks somebody: a person at the shell, a test, an explorer.
class AskingChooser final : public Chooser {
  public:
    using Ask = std::function<std::uint64_t(ChoiceKind, std::uint32_t, std::uint64_t)>;
    explicit AskingChooser(Ask ask) : ask_(std::move(ask)) {}
    std::uint64_t choose(ChoiceKind kind, std::uint32_t stream, std::uint64_t options) override;

  private:
    Ask ask_;
};

}  // namespace tribunal
