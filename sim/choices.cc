#include "sim/choices.h"

#include "broker/base/check.h"

namespace tribunal {

std::string_view name_of(ChoiceKind kind) {
    constexpr std::string_view names[] = {
        "tie",       "network_latency", "disk_write",   "disk_sync",    "surviving_writes",
        "torn_tail", "fault_gap",       "fault_target", "client_value", "timer_jitter"};
    static_assert(std::size(names) == kChoiceKinds);
    return names[static_cast<std::size_t>(kind)];
}

void SeededChooser::grow(std::size_t index) {
    while (streams_.size() <= index) {
        const std::size_t next = streams_.size();
        streams_.push_back(root_.fork(next % kChoiceKinds, next / kChoiceKinds));
    }
}

RecordedChooser::RecordedChooser(const std::vector<Choice>& choices) {
    for (const Choice& choice : choices) {
        const std::size_t index =
            choice.stream * kChoiceKinds + static_cast<std::size_t>(choice.kind);
        if (index >= lists_.size()) lists_.resize(index + 1);
        lists_[index].choices.push_back(choice);
    }
}

std::uint64_t RecordedChooser::choose(ChoiceKind kind, std::uint32_t stream,
                                      std::uint64_t options) {
    const std::size_t index = stream * kChoiceKinds + static_cast<std::size_t>(kind);
    if (index >= lists_.size() || lists_[index].next >= lists_[index].choices.size()) {
        ++diverged_;
        return 0;
    }
    const Choice& choice = lists_[index].choices[lists_[index].next++];
    if (choice.options != options) ++diverged_;
    return choice.taken % options;
}

std::uint64_t AskingChooser::choose(ChoiceKind kind, std::uint32_t stream, std::uint64_t options) {
    const std::uint64_t taken = ask_(kind, stream, options);
    CHECK(taken < options);
    return taken;
}

}  // namespace tribunal
